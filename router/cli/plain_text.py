"""Texts from outside, such as a contract's revert reason, cannot steer a terminal."""


def printable(text: str) -> str:
    """Return a text without control characters; line ends stay."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() or c == "\n")


def one_line(text: str) -> str:
    """Return a text as one line without control characters."""
    return printable(" ".join(text.split()))
