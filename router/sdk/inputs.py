"""What callers pass in, made definite before it is parsed."""

import secrets
from collections.abc import Iterable
from decimal import Decimal

from router.domain.errors import UsageError

AmountInput = str | int | Decimal
_DIGITS_MAX = 200


def name_or_new(client_id: str | None) -> str:
    """Return the caller's own id, else a new one; an empty id is the caller's, and refused later:
    a call that is repeated with it must not become a second one."""
    return secrets.token_hex(8) if client_id is None else client_id


def names_of(names: str | Iterable[str]) -> frozenset[str]:
    """Return several names, or the one that a string is."""
    return frozenset([names] if isinstance(names, str) else map(str, names))


def amount_text(amount: AmountInput) -> str:
    """Return an amount as text; a float is refused, since it may not be what was meant.

    Raises:
        UsageError: AMOUNT_INVALID; AMOUNT_RANGE when nobody could want to write it out.
    """
    if isinstance(amount, str):
        return amount
    if isinstance(amount, Decimal):
        if not amount.is_finite():
            return str(amount)
        if abs(amount.adjusted()) > _DIGITS_MAX:
            raise _absurd()
        return f"{amount:f}"
    if isinstance(amount, int) and not isinstance(amount, bool):
        if abs(amount) >= 10**_DIGITS_MAX:
            raise _absurd()
        return str(amount)
    raise UsageError(
        "AMOUNT_INVALID",
        f"A {type(amount).__name__} cannot carry money exactly; pass a string such as '0.5'.",
    )


def _absurd() -> UsageError:
    return UsageError("AMOUNT_RANGE", f"The amount has more than {_DIGITS_MAX} digits.")
