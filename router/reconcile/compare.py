"""The comparison itself: pure functions from facts to breaks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from router.domain.assets import Asset
from router.domain.custody import Break, BreakClass, DepositState
from router.domain.settlement import IntentState
from router.domain.transfers import Transfer, read_transfers
from router.reconcile.config import ReconcileConfig
from router.reconcile.facts import Books, OnChain, Place

_FREEZING = frozenset(
    {
        BreakClass.UNKNOWN_OUTFLOW,
        BreakClass.NONCE_MISMATCH,
        BreakClass.PHANTOM_DEPOSIT,
        BreakClass.LEDGER_UNSOUND,
    }
)
_NAMED_CAUSES = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides and what they make of each other."""

    config: ReconcileConfig
    books: Books
    chain: OnChain

    def breaks(
        self, unexplained: Sequence[Transfer], refill_gas_wei: int, now_ms: int
    ) -> list[Break]:
        """Return all differences.

        Args:
            unexplained: movements that neither an attempt of ours nor a recorded deposit explains.
            refill_gas_wei: gas of the refills that are not booked yet; cold may have paid it.
            now_ms: the time, to tell what has waited too long.
        """
        return [
            *self._wallet_breaks(unexplained, refill_gas_wei),
            *self._nonce_breaks(unexplained),
            *self._phantom_deposits(),
            *self._allowance_breaks(),
            *self._hold_breaks(),
            *self._stuck(now_ms),
            *(
                self._break(BreakClass.LEDGER_UNSOUND, self.config.hot, "", 0, 0, problem)
                for problem in self.books.audit.problems
            ),
        ]

    def unexplained(
        self, transfers: Iterable[Transfer], own_hashes: frozenset[str]
    ) -> list[Transfer]:
        """Return the movements of listed assets that nothing of ours accounts for."""
        recorded = {(d.tx_hash, d.ordinal) for d in self.books.deposits}
        return [
            transfer
            for transfer in transfers
            if transfer.tx_hash not in own_hashes
            and (transfer.tx_hash, transfer.ordinal) not in recorded
            and transfer.units > 0
            and self.config.asset_at(transfer.token) is not None
        ]

    def unbooked_refills(self, unexplained: Iterable[Transfer]) -> set[str]:
        """Return the hashes of payments from cold to hot that the deposit scan has yet to book."""
        cold = self.config.cold.lower()
        waiting = {
            deposit.tx_hash
            for deposit in self.books.deposits
            if deposit.state is DepositState.SEEN and deposit.sender.lower() == cold
        }
        return waiting | {t.tx_hash for t in unexplained if self._is_refill(t)}

    def _is_refill(self, transfer: Transfer) -> bool:
        from_cold = transfer.sender == self.config.cold.lower()
        return from_cold and transfer.recipient == self.config.hot.lower()

    def expected(self) -> dict[Place, int]:
        """Return what each wallet has to hold at the head: the ledger, our own mined but unbooked
        transactions, and deposits that wait for confirmations."""
        expected: defaultdict[Place, int] = defaultdict(int, self.books.wallets)
        by_id = {intent.intent_id: intent for intent, _ in self.books.open_intents}
        for intent_id, (attempt, receipt) in self.chain.mined.items():
            intent = by_id[intent_id]
            expected[self.config.hot, self.config.coin] -= receipt.gas_cost_wei
            if not receipt.status:
                continue
            for transfer in read_transfers(receipt.logs):
                asset = self.config.asset_at(transfer.token)
                if asset is not None:
                    self._apply(expected, asset, transfer.sender, -transfer.units)
                    self._apply(expected, asset, transfer.recipient, transfer.units)
            if not attempt.cancels and intent.request.value_wei:
                value_wei = intent.request.value_wei
                self._apply(expected, self.config.coin, intent.sender, -value_wei)
                self._apply(expected, self.config.coin, intent.request.to, value_wei)
        for deposit in self.books.deposits:
            if deposit.state is DepositState.SEEN:
                self._apply(expected, deposit.asset, self.config.hot, deposit.units)
                self._apply(expected, deposit.asset, deposit.sender, -deposit.units)
        return expected

    def _apply(
        self, expected: defaultdict[Place, int], asset: Asset, address: str, units: int
    ) -> None:
        for ours in self.config.addresses:
            if ours.lower() == address.lower():
                expected[ours, asset] += units

    def _wallet_breaks(self, unexplained: Sequence[Transfer], refill_gas_wei: int) -> list[Break]:
        """Compare balances, and name the movements nothing explains even if they cancel out."""
        expected = self.expected()
        for refill in filter(self._is_refill, unexplained):
            asset = self.config.asset_at(refill.token)
            assert asset is not None, refill.token
            expected[self.config.cold, asset] -= refill.units
        # Whether cold paid the gas of its refill only its balance tells.
        gas_place = (self.config.cold, self.config.coin)
        if self.chain.wallets[gas_place] == expected[gas_place] - refill_gas_wei:
            expected[gas_place] -= refill_gas_wei
        found = (
            self._wallet_break(place, units, expected[place], unexplained)
            for place, units in self.chain.wallets.items()
        )
        return [wrong for wrong in found if wrong is not None]

    def _wallet_break(
        self, place: Place, units: int, expected_units: int, unexplained: Sequence[Transfer]
    ) -> Break | None:
        address, asset = place
        ours, token = address.lower(), asset.address.lower()
        moved = [t for t in unexplained if t.token == token]
        out = [t for t in moved if t.sender == ours and not self._is_refill(t)]
        into = [t for t in moved if t.recipient == ours]
        if units < expected_units or out:
            detail = _causes(out) or _other_causes(unexplained, ours)
            kind = BreakClass.UNKNOWN_OUTFLOW
        elif units > expected_units or into:
            detail = _causes(into) or "no transfer explains it"
            known = into and all(self._is_known_sender(t.sender) for t in into)
            kind = BreakClass.MISSING_DEPOSIT if known else BreakClass.UNKNOWN_INFLOW
        else:
            return None
        return self._break(kind, address, asset.symbol, units, expected_units, detail)

    def _is_known_sender(self, address: str) -> bool:
        known = {sender.lower() for sender in self.config.known_senders}
        return address.lower() in known or self.config.is_ours(address)

    def _nonce_breaks(self, unexplained: Sequence[Transfer]) -> list[Break]:
        """Every nonce that the chain has used must be one that we gave to a mined attempt."""
        unmined = [
            intent
            for intent, _ in self.books.open_intents
            if intent.intent_id not in self.chain.mined
        ]
        waiting = [intent for intent in unmined if intent.state is not IntentState.FOREIGN]
        foreign = len(unmined) - len(waiting)
        expected = self.books.next_nonce - len(waiting)
        if self.chain.nonce == expected and not foreign:
            return []
        detail = (
            f"{self.config.hot} has sent {self.chain.nonce} transactions, ours account for "
            f"{expected - foreign}; {_other_causes(unexplained, self.config.hot.lower())}"
        )
        return [
            self._break(
                BreakClass.NONCE_MISMATCH,
                self.config.hot,
                "",
                self.chain.nonce,
                expected - foreign,
                detail,
            )
        ]

    def _phantom_deposits(self) -> list[Break]:
        return [
            self._break(
                BreakClass.PHANTOM_DEPOSIT,
                self.config.hot,
                deposit.asset.symbol,
                0,
                deposit.units,
                f"{deposit.tx_hash} was credited in a block that is gone: scan deposits",
            )
            for deposit in self.chain.orphaned
        ]

    def _allowance_breaks(self) -> list[Break]:
        return [
            self._break(
                BreakClass.ALLOWANCE_DRIFT,
                self.config.hot,
                allowance.asset.symbol,
                allowance.units,
                allowance.limit_units,
                f"{allowance.spender} may move more {allowance.asset} of the hot wallet than it "
                f"should, by {allowance.contract}",
            )
            for allowance in self.chain.allowances
            if allowance.units > allowance.limit_units
        ]

    def _hold_breaks(self) -> list[Break]:
        """Each open order has its hold, and each pending hold has something open."""
        if self.books.needs is None:
            return []
        pending = {hold.hold_id: hold for hold in self.books.holds}
        breaks = []
        for need in self.books.needs:
            hold = pending.get(need.hold_id)
            there = hold.remaining_units if hold is not None else 0
            right = hold is not None and (hold.account, hold.asset) == (need.account, need.asset)
            if there != need.units or not (right or need.units == 0):
                detail = f"{need.hold_id} of {need.account} sets aside {there}, needs {need.units}"
                breaks.append(self._hold_break(need.asset, there, need.units, detail))
        used = {need.hold_id for need in self.books.needs}
        used |= {intent.hold_id for intent, _ in self.books.open_intents}
        for hold in self.books.holds:
            if hold.hold_id not in used and hold.remaining_units:
                detail = f"{hold.hold_id} of {hold.account} belongs to nothing that is open"
                breaks.append(self._hold_break(hold.asset, hold.remaining_units, 0, detail))
        return breaks

    def _hold_break(self, asset: str, held: int, needed: int, detail: str) -> Break:
        kind = BreakClass.BOOK_HOLD_MISMATCH
        return self._break(kind, self.config.hot, asset, held, needed, detail)

    def _stuck(self, now_ms: int) -> list[Break]:
        """Tell of transactions that have waited too long; waiting itself is no difference."""
        breaks = []
        for intent, attempts in self.books.open_intents:
            if intent.intent_id in self.chain.mined or intent.state is IntentState.FOREIGN:
                continue
            if now_ms - intent.created_ms >= self.config.stuck_after_ms:
                detail = f"{intent.intent_id} ({intent.state}, {len(attempts)} attempts) waits"
                kind = BreakClass.IN_FLIGHT
                breaks.append(self._break(kind, intent.sender, "", 0, 0, detail))
        return breaks

    def _break(
        self,
        kind: BreakClass,
        address: str,
        asset: str,
        chain_units: int,
        ledger_units: int,
        detail: str,
    ) -> Break:
        return Break(
            break_class=kind,
            chain_id=self.config.chain_id,
            address=address,
            asset=asset,
            chain_units=chain_units,
            ledger_units=ledger_units,
            block_number=self.chain.head.number,
            detail=detail,
            freezes=kind in _FREEZING,
        )


def _causes(transfers: Sequence[Transfer]) -> str:
    named = [
        f"{t.tx_hash} moved {t.units} from {t.sender} to {t.recipient}"
        for t in transfers[:_NAMED_CAUSES]
    ]
    more = len(transfers) - len(named)
    return "; ".join([*named, *([f"and {more} more"] if more > 0 else [])])


def _other_causes(unexplained: Sequence[Transfer], address: str) -> str:
    """Name what else was done with an address: gas and nonces leave no log of their own."""
    hashes = sorted({t.tx_hash for t in unexplained if t.sender == address})
    if not hashes:
        return "no transfer explains it"
    return f"with {', '.join(hashes[:_NAMED_CAUSES])}"


def freezing_reason(breaks: Iterable[Break]) -> str | None:
    """Return why the signer has to freeze, None when nothing found is that grave."""
    grave = [found for found in breaks if found.freezes]
    if not grave:
        return None
    first = grave[0]
    what = f" of {first.asset}" if first.asset else ""
    return f"reconciliation at block {first.block_number}: {first.break_class}{what}"


def is_clean(breaks: Iterable[Break]) -> bool:
    return all(found.break_class is BreakClass.IN_FLIGHT for found in breaks)
