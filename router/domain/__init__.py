"""Pure types and rules: no I/O, no clock, no randomness, no third-party package."""
