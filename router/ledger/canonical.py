"""The one byte form of a journal, its fingerprint and the hash chain over all journals."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from router.domain.ledger import Journal

GENESIS_HASH = "0" * 64


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - JSON-shaped, which has no narrower type
    """Return JSON without spaces, keys sorted, UTF-8; equal values give equal bytes."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def fingerprint(journal: Journal, spends: Sequence[tuple[str, int, bool]] = ()) -> str:
    """Return the SHA-256 (hex) of a journal together with the holds it spends.

    `spends` is (hold id, units, whether the hold ends) in the order given.
    """
    body = {
        "journal": _journal_body(journal),
        "spends": [[hold_id, str(units), ends] for hold_id, units, ends in spends],
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()


def chain_hash(previous: str, sequence: int, posted_ms: int, journal: Journal) -> str:
    """Return the hash of a posted journal: SHA-256(previous hash || canonical record), hex."""
    record = {
        "sequence": sequence,
        "posted_ms": posted_ms,
        "journal": _journal_body(journal),
    }
    return hashlib.sha256(bytes.fromhex(previous) + canonical_json(record)).hexdigest()


def _journal_body(journal: Journal) -> dict[str, Any]:
    return {
        "key": journal.key,
        "kind": journal.kind.value,
        "memo": journal.memo,
        "reference": journal.reference,
        # Decimal strings: a reader in another language must not meet a number above 2^53.
        "entries": [[e.account, e.asset, str(e.units)] for e in journal.entries],
    }
