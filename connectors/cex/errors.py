"""ccxt's exceptions as the three outcomes of a send.

Refused means that the exchange looked at the order and said no. Unavailable means that it never
looked. Everything else of a send is unknown: the order may exist. Matching is by class name along
the exception's ancestry, so that nothing here imports ccxt.
"""

import socket
from typing import Final

import aiohttp

from router.domain.errors import FailureError, OrderRejected, OutcomeUnknown, VenueUnavailable

# The first name that occurs in the ancestry decides: a subclass stands before its parent.
_MEANINGS: Final[tuple[tuple[str, type[FailureError]], ...]] = (
    ("InsufficientFunds", OrderRejected),
    ("InvalidOrder", OrderRejected),
    ("BadRequest", OrderRejected),
    ("OperationRejected", OrderRejected),
    ("AuthenticationError", OrderRejected),
    ("ArgumentsRequired", OrderRejected),
    ("NotSupported", OrderRejected),
    ("RateLimitExceeded", VenueUnavailable),
    ("DDoSProtection", VenueUnavailable),
    ("OnMaintenance", VenueUnavailable),
    ("InvalidNonce", VenueUnavailable),  # The clock or the counter is off: it was turned away.
)
_CODES: Final[dict[type[FailureError], str]] = {
    OrderRejected: "ORDER_REJECTED",
    VenueUnavailable: "VENUE_UNAVAILABLE",
    OutcomeUnknown: "OUTCOME_UNKNOWN",
}
# The connection was never up, so not one byte of the request has left.
_NEVER_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    socket.gaierror,
)


def outcome_of_send(venue_id: str, error: Exception) -> FailureError:
    """Return what a failed order placement means; a duplicate is not asked here but looked up."""
    kind = _meaning(error)
    code = "INSUFFICIENT_BALANCE" if is_a(error, "InsufficientFunds") else _CODES[kind]
    return kind(code, _sentence(venue_id, error))


def failure_of_read(venue_id: str, error: Exception) -> FailureError:
    """Return what a failed read means: it can always be asked again."""
    return VenueUnavailable("VENUE_UNAVAILABLE", _sentence(venue_id, error))


def is_a(error: Exception, class_name: str) -> bool:
    """Whether one of the error's classes has this name."""
    return any(ancestor.__name__ == class_name for ancestor in type(error).__mro__)


def is_duplicate(error: Exception) -> bool:
    """Whether the exchange refused because it has an order of this id.

    Not every exchange's answer is mapped to the class that ccxt has for it, and taking it for a
    plain refusal would give back money that the first order has spent.
    """
    return is_a(error, "DuplicateOrderId") or (
        is_a(error, "ExchangeError") and "duplicate" in str(error).lower()
    )


def _meaning(error: Exception) -> type[FailureError]:
    if isinstance(error.__cause__, _NEVER_CONNECTED):
        return VenueUnavailable
    return next((kind for name, kind in _MEANINGS if is_a(error, name)), OutcomeUnknown)


def _sentence(venue_id: str, error: Exception) -> str:
    # Request addresses carry keys and signatures; the class and the exchange's own text do not.
    text = str(error).partition("http")[0].strip()
    return f"{venue_id}: {type(error).__name__}: {text[:300]}"
