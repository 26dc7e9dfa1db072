"""Fields of JSON documents, checked one by one: what is wrong is named with its place."""

from dataclasses import dataclass
from typing import Any

from router.domain.amounts import UINT256_MAX
from router.domain.errors import UsageError

_DIGITS_MAX = 78  # of 2^256


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and the words for where it stands in the file."""

    members: dict[str, Any]
    place: str

    def refuse(self, name: str, wanted: str) -> UsageError:
        """Return the error for a member that is not what it should be."""
        if name not in self.members:
            return UsageError("UNIVERSE_INVALID", f"{self.place} has no {name!r}.")
        found = repr(self.members[name])[:40]
        return UsageError("UNIVERSE_INVALID", f"{self.place}: {name!r} is {found}, not {wanted}.")

    def text(self, name: str) -> str:
        """Return a text; an id that is a number is taken as its digits."""
        found = self.members.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if isinstance(found, str) and found:
            return found
        raise self.refuse(name, "a text")

    def integer(self, name: str, low: int, high: int) -> int:
        """Return a JSON integer within bounds, which are part of the range."""
        found = self.members.get(name)
        if type(found) is int and low <= found <= high:
            return found
        raise self.refuse(name, f"an integer from {low} to {high}")

    def units(self, name: str, high: int = UINT256_MAX) -> int:
        """Return an amount of base units, which is a string of digits or a JSON integer."""
        found = units_of(self.members.get(name), high)
        if found is None:
            raise self.refuse(name, f"base units from 0 to {_bound(high)}, as a string of digits")
        return found

    def signed(self, name: str, bits: int) -> int:
        """Return a signed integer, which is a string of digits or a JSON integer."""
        found = self.members.get(name)
        text = found.removeprefix("-") if isinstance(found, str) else ""
        if type(found) is int:
            number = found
        elif text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX:
            number = int(str(found))
        else:
            raise self.refuse(name, f"a signed integer of {bits} bits")
        if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            raise self.refuse(name, f"a signed integer of {bits} bits")
        return number

    def number(self, name: str) -> float:
        """Return a number that only ranks; absent is 0."""
        found = self.members.get(name, 0)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.refuse(name, "a number")
        return float(found)

    def list_of(self, name: str) -> list[Any]:
        found = self.members.get(name)
        if isinstance(found, list):
            return found
        raise self.refuse(name, "a list")

    def objects(self, name: str, noun: str) -> list["Fields"]:
        """Return the objects of a list; each knows its place as `noun` and number."""
        return [
            Fields(object_of(found, f"{self.place}, {noun} {index}"), f"{noun} {index}")
            for index, found in enumerate(self.list_of(name))
        ]


def object_of(found: Any, place: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a JSON object.

    Raises:
        UsageError: UNIVERSE_INVALID, it is something else.
    """
    if isinstance(found, dict):
        return found
    raise UsageError("UNIVERSE_INVALID", f"{place} is no JSON object.")


def units_of(found: Any, high: int = UINT256_MAX) -> int | None:  # noqa: ANN401 - any JSON value
    """Return base units from a string of digits or an integer; None for anything else."""
    if type(found) is int:
        number = found
    elif isinstance(found, str) and found.isascii() and found.isdigit():
        number = int(found) if len(found) <= _DIGITS_MAX else -1
    else:
        return None
    return number if 0 <= number <= high else None


def _bound(high: int) -> str:
    bits = high.bit_length()
    return f"2^{bits}-1" if bits > 64 and high == (1 << bits) - 1 else str(high)
