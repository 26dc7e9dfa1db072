"""The command line: thin commands over the SDK; words and pictures, no rules."""
