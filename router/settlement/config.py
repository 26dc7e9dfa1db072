"""How settlement waits, and what it pays for inclusion."""

from dataclasses import dataclass

from router.domain.assets import Asset

# A node of the geth family replaces a pending transaction only for 10 % more on both fees; the
# Parity lineage wanted 12.5 %. The larger one satisfies all.
_BUMP_NUMERATOR = 1125
_BUMP_DENOMINATOR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """Bounds of what is offered per gas, in wei."""

    cap_wei: int
    min_tip_wei: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.min_tip_wei <= self.cap_wei, self

    def first(self, suggested: tuple[int, int]) -> tuple[int, int]:
        """Return (max fee, tip) of a first attempt, cut to the cap.

        At the cap the transaction may have to wait for the base fee to fall; it never costs more.
        """
        max_fee_wei, tip_wei = suggested
        tip_wei = min(max(tip_wei, self.min_tip_wei), self.cap_wei)
        return min(max(max_fee_wei, tip_wei), self.cap_wei), tip_wei

    def replacement(
        self, old: tuple[int, int], suggested: tuple[int, int]
    ) -> tuple[int, int] | None:
        """Return fees that replace an attempt at every client, None when that is above the cap.

        Both fees rise by at least 12.5 %, rounded up, and by at least one wei.
        """
        fresh_max_wei, fresh_tip_wei = self.first(suggested)
        tip_wei = max(_raised_ceil(old[1]), fresh_tip_wei)
        max_fee_wei = max(_raised_ceil(old[0]), fresh_max_wei, tip_wei)
        return None if max_fee_wei > self.cap_wei else (max_fee_wei, tip_wei)


def _raised_ceil(fee_wei: int) -> int:
    return max(-(-fee_wei * _BUMP_NUMERATOR // _BUMP_DENOMINATOR), fee_wei + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementConfig:
    """`confirmations` counts the transaction's own block; 1 means final as soon as mined.

    `max_in_flight`: transactions sent and not yet mined. Geth-like pools guarantee 16 per account;
    an automining Anvil stalls when more than one is pending.
    `resend_after_ms`: silence after which the same bytes are sent again.
    `foreign_after_ms`: how long a spent nonce without a receipt of ours is waited on before it
    counts as somebody else's; nodes show the two one after the other.
    `bump_after_blocks` and `rebump_after_blocks`: blocks an attempt waits before it is replaced.
    """

    chain_id: int
    gas_asset: Asset
    fees: FeePolicy
    confirmations: int = 1
    max_in_flight: int = 1
    call_timeout_s: float = 5.0
    poll_interval_s: float = 0.05
    resend_after_ms: int = 3_000
    foreign_after_ms: int = 2_000
    bump_after_blocks: int = 3
    rebump_after_blocks: int = 2

    def __post_init__(self) -> None:
        assert self.gas_asset.is_native, self.gas_asset
        assert self.confirmations >= 1, self.confirmations
        assert 1 <= self.max_in_flight <= 16, self.max_in_flight
        assert self.bump_after_blocks >= 1, self.bump_after_blocks
        assert self.rebump_after_blocks >= 1, self.rebump_after_blocks
