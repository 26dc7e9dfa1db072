"""Amounts: integers in an asset's smallest unit, bound to that asset."""

import re
from dataclasses import dataclass

from router.domain.assets import Asset
from router.domain.errors import UsageError

UINT256_MAX = 2**256 - 1
BPS_ONE = 10_000
PPM_ONE = 1_000_000
_PLAIN_DECIMAL = re.compile(r"[0-9]{1,78}(\.[0-9]{1,78})?|\.[0-9]{1,78}")


@dataclass(frozen=True, slots=True)
class Amount:
    """`units` base units of `asset`; never negative, never above 2^256 - 1."""

    units: int
    asset: Asset

    def __post_init__(self) -> None:
        if not 0 <= self.units <= UINT256_MAX:
            raise UsageError("AMOUNT_RANGE", f"{self.units} is outside 0..2^256-1 base units.")

    @classmethod
    def parse(cls, text: str, asset: Asset) -> "Amount":
        """Parse a positive plain decimal in whole tokens, such as "10" or "0.5"; exact.

        Raises:
            UsageError: AMOUNT_INVALID, AMOUNT_PRECISION or AMOUNT_RANGE.
        """
        cleaned = text.strip()
        if not _PLAIN_DECIMAL.fullmatch(cleaned):
            raise UsageError(
                "AMOUNT_INVALID",
                f"{text[:80]!r} is not a positive decimal number such as 10 or 0.5.",
            )
        whole, _, fraction = cleaned.partition(".")
        significant = fraction.rstrip("0")
        if len(significant) > asset.decimals:
            raise UsageError(
                "AMOUNT_PRECISION",
                f"{text[:80]} has {len(significant)} decimals; {asset} has {asset.decimals}.",
            )
        units = int((whole or "0") + significant.ljust(asset.decimals, "0"))
        if not 0 < units <= UINT256_MAX:
            raise UsageError(
                "AMOUNT_RANGE", f"{text[:80]} {asset} is zero or above 2^256-1 base units."
            )
        return cls(units, asset)

    @classmethod
    def zero(cls, asset: Asset) -> "Amount":
        return cls(0, asset)

    def format(self, max_decimals: int | None = None) -> str:
        """Print whole tokens exactly; with `max_decimals` cut (never rounded up) to that many."""
        whole, fraction = divmod(self.units, self.asset.one_in_units)
        digits = f"{fraction:0{self.asset.decimals}d}" if self.asset.decimals else ""
        if max_decimals is not None:
            digits = digits[:max_decimals]
        digits = digits.rstrip("0")
        return f"{whole}.{digits}" if digits else str(whole)

    def __str__(self) -> str:
        return f"{self.format()} {self.asset}"

    def __add__(self, other: "Amount") -> "Amount":
        self._require_same_asset(other)
        return Amount(self.units + other.units, self.asset)

    def __sub__(self, other: "Amount") -> "Amount":
        self._require_same_asset(other)
        return Amount(self.units - other.units, self.asset)

    def __lt__(self, other: "Amount") -> bool:
        self._require_same_asset(other)
        return self.units < other.units

    def __le__(self, other: "Amount") -> bool:
        self._require_same_asset(other)
        return self.units <= other.units

    def _require_same_asset(self, other: "Amount") -> None:
        if self.asset != other.asset:
            raise UsageError(
                "ASSET_MISMATCH", f"{self.asset} and {other.asset} cannot be combined."
            )


def min_amount_out(quoted_out_units: int, slippage_bps: int) -> int:
    """Return the least output a taker accepts, rounded up in the taker's favour.

    Raises:
        ValueError: `slippage_bps` is outside 0..10_000; callers validate user input first.
    """
    if not 0 <= slippage_bps <= BPS_ONE:
        raise ValueError(f"slippage_bps {slippage_bps} is outside 0..{BPS_ONE}")
    return -(-quoted_out_units * (BPS_ONE - slippage_bps) // BPS_ONE)


def max_amount_in(quoted_in_units: int, slippage_bps: int) -> int:
    """Return the most input a taker pays for an exact output, rounded down in the taker's favour.

    Raises:
        ValueError: `slippage_bps` is outside 0..10_000; callers validate user input first.
    """
    if not 0 <= slippage_bps <= BPS_ONE:
        raise ValueError(f"slippage_bps {slippage_bps} is outside 0..{BPS_ONE}")
    return quoted_in_units * (BPS_ONE + slippage_bps) // BPS_ONE
