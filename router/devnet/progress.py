"""How long work tells the user where it is."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then with a step's name and how much of it is done.

    `total` 0 means that nobody knows how much there is.
    """

    def __call__(self, step: str, done: int, total: int) -> None: ...


def silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""
