"""The asynchronous client: domain types out, strings in whole tokens in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from router.bootstrap import App, open_app
from router.domain.amounts import BPS_ONE, Amount
from router.domain.assets import AssetRegistry
from router.domain.custody import Deposit, ReconcileReport, WalletLine, Withdrawal
from router.domain.errors import FailureError, UsageError
from router.domain.ledger import Balance, PostedJournal, user_account
from router.domain.market import Instrument, Ladder, PoolRef
from router.domain.orders import BookOrder, OrderState, Side, SwapMode
from router.domain.routes import Quote, QuoteRequest
from router.domain.settlement import Intent
from router.execution.events import OrderEvent, ignore_order_events
from router.execution.own_book import LimitOrder, LimitResult
from router.ports import UnitOfWork
from router.sdk.inputs import AmountInput, amount_text, name_or_new, names_of
from router.settings import Settings, load_settings
from router.telemetry import logger
from router.wire import LimitOrderBody, QuoteBody, RouteBody, WithdrawBody

_log = logger("sdk")
_PAGE_MAX = 10_000
_SEQUENCE_MAX = 2**63 - 1


class Router:
    """One data directory with its wallets, ledger and books; open it with `Router.open`.

    Amounts are decimal strings in whole tokens ("0.5"); results are integers in base units bound
    to their asset. Every error is a `router.RouterError` with a stable `code`.

        async with Router.open() as router:
            quote = await router.quote("WETH", "USDC", "10")
            print(quote.amount_out, quote.gap_bps)
    """

    def __init__(self, app: App) -> None:
        self._app = app

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        config: str | Path | Settings | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        read_only: bool = False,
        on_order_event: Callable[[OrderEvent], None] = ignore_order_events,
        on_settlement_step: Callable[[str, str], None] | None = None,
    ) -> AsyncIterator[Self]:
        """Open the router of a configuration; without one the defaults: the devnet below `var`.

        `read_only` needs neither the key nor the directory's lock: quotes and balances can be read
        beside a running process. The callbacks are told about orders and transactions as they
        move; they must return at once, and the second is also called from another thread.

        Raises:
            UsageError: CONFIG_NOT_FOUND, CONFIG_UNKNOWN_KEY or CONFIG_INVALID.
            FailureError: DEVNET_NOT_RUNNING, DEVNET_DEAD, BUSY, KEY_FILE_MISSING, KEY_FILE_INVALID,
                KEY_PASSWORD_WRONG, CHAIN_MISMATCH or CHAIN_UNAVAILABLE.
        """
        settings = (
            config if isinstance(config, Settings) else load_settings(config, overrides=overrides)
        )
        observers: dict[str, Any] = {"observer": on_order_event}
        if on_settlement_step is not None:
            observers["step_observer"] = on_settlement_step
        async with open_app(settings, read_only=read_only, **observers) as app:
            yield cls(app)

    @property
    def app(self) -> App:
        """The services behind this client, for what it does not cover."""
        return self._app

    @property
    def assets(self) -> AssetRegistry:
        """The listed assets."""
        return self._app.profile.registry

    # -- quotes and orders ----------------------------------------------------------------------

    async def quote(
        self,
        sell: str,
        buy: str,
        amount: AmountInput,
        *,
        exact_out: bool = False,
        slippage_bps: int | None = None,
        max_hops: int | None = None,
        max_legs: int | None = None,
        gas_price_wei: int | None = None,
        max_gas: int | None = None,
        direct_only: bool = False,
        exclude: str | Iterable[str] = (),
        include: str | Iterable[str] = (),
        protocols: str | Iterable[str] | None = None,
        exclude_tokens: str | Iterable[str] = (),
        connectors: str | Iterable[str] | None = None,
        alternatives: int = 0,
        account: str | None = None,
    ) -> Quote:
        """Return the best executable split of an order over pools and books, as of now.

            quote = await router.quote("WETH", "USDC", "10")
            quote = await router.quote("USDC", "WBTC", "1.5", exact_out=True, exclude=["book"])

        Args:
            sell: symbol or address of the asset to sell; `buy` likewise.
            amount: whole tokens of `sell`, or of `buy` with `exact_out`.
            slippage_bps: distance of the guaranteed from the quoted amount.
            max_hops: pools that one path crosses, 1 to 6.
            max_legs: venues that take part, 1 to 32.
            gas_price_wei: what gas is reckoned at; the chain's price by default.
            max_gas: most gas that the transaction may use, by estimate.
            direct_only: no asset in between.
            exclude: venues that must not take part, by id, address, instrument or name.
            include: when given, only these venues take part, named likewise.
            protocols: kinds of venues that may take part; all by default.
            exclude_tokens: assets that no route may pass through, by symbol or address.
            connectors: when given, the only assets that routes may pass through.
            alternatives: other plans to show beside the best one, at most 8.
            account: names the client whose balance is looked at: too little of it is an issue of
                the quote, not an error.

        Raises:
            UsageError: ASSET_UNKNOWN, ASSET_NOT_ROUTABLE, SAME_ASSET, AMOUNT_INVALID,
                AMOUNT_PRECISION, AMOUNT_RANGE or ORDER_INVALID.
            FailureError: NO_ROUTE, INSUFFICIENT_LIQUIDITY, GAS_LIMIT, PRICE_GUARD or
                CHAIN_UNAVAILABLE.
        """
        request = self._request(
            sell,
            buy,
            amount,
            exact_out=exact_out,
            slippage_bps=slippage_bps,
            max_hops=max_hops,
            max_legs=max_legs,
            gas_price_wei=gas_price_wei,
            max_gas=max_gas,
            direct_only=direct_only,
            exclude=names_of(exclude),
            include=names_of(include),
            protocols=None if protocols is None else names_of(protocols),
            exclude_tokens=names_of(exclude_tokens),
            connectors=None if connectors is None else names_of(connectors),
            alternatives=alternatives,
        )
        made = await self._app.quotes.quote(request)
        return made if account is None else await self._with_balance(made, account)

    async def watch_quote(
        self,
        sell: str,
        buy: str,
        amount: AmountInput,
        *,
        min_change_bps: float = 0.0,
        **wanted: Any,  # noqa: ANN401 - the options of `quote`, by name
    ) -> AsyncIterator[Quote]:
        """Yield a quote, and a new one whenever a block or one of our books moved the answer.

        It asks as often as `schedule.pool_refresh_interval_ms` says and goes on until the caller
        stops; a moment without an answer (no route, a node that is away) is passed over, an order
        that makes no sense is not.

            async for quote in router.watch_quote("WETH", "USDC", "10", min_change_bps=1):
                print(quote.block.number, quote.amount_out)

        Args:
            min_change_bps: how far the net amount has to move before it is told again.
            wanted: as for `quote`.

        Raises:
            UsageError: as `quote`.
        """
        interval_s = self._app.profile.settings.schedule.pool_refresh_interval_ms / 1_000
        told: Quote | None = None
        while True:
            try:
                fresh = await self.quote(sell, buy, amount, **wanted)
            except FailureError as error:
                _log.info("requote_failed", code=error.code)
            else:
                if told is None or _moved_bps(told, fresh) > min_change_bps:
                    told = fresh
                    yield fresh
            await self._app.clock.sleep_s(interval_s)

    async def _with_balance(self, made: Quote, account: str) -> Quote:
        """Add an issue where the account cannot pay for what was quoted."""
        needed = made.amount_in
        if made.mode is SwapMode.EXACT_OUT:
            needed = Amount(made.limit_units, made.asset_in)
        there = await self.balance(account, made.asset_in.symbol)
        if there.units >= needed.units:
            return made
        said = f"INSUFFICIENT_BALANCE: {account} has {there} available and needs {needed}."
        return replace(made, issues=(*made.issues, said))

    def _request(
        self,
        sell: str,
        buy: str,
        amount: AmountInput,
        **wanted: Any,  # noqa: ANN401 - the options of `quote`, by name
    ) -> QuoteRequest:
        """Fill in the configured defaults and read the request.

        Raises:
            UsageError: as `quote`.
        """
        routing = self._app.profile.settings.routing
        fields: dict[str, Any] = {
            "sell": sell,
            "buy": buy,
            "amount": amount_text(amount),
            "slippage_bps": routing.slippage_bps,
            "max_hops": routing.max_hops,
            "max_legs": routing.max_legs,
        }
        fields |= {name: value for name, value in wanted.items() if value is not None}
        request = QuoteBody.parse(fields).to_domain(self.assets)
        most = self._app.profile.settings.risk.max_slippage_bps
        if request.slippage_bps > most:
            raise UsageError(
                "ORDER_INVALID", f"Slippage {request.slippage_bps} bp is above the limit of {most}."
            )
        return request

    async def route(
        self,
        quote: Quote,
        *,
        account: str,
        client_order_id: str | None = None,
        deadline_ms: int | None = None,
    ) -> OrderState:
        """Execute a quote for an account: hold, on-chain transaction, book, settlement.

        Returns when the order is final, or still executing when the chain takes longer than
        `chain.inclusion_timeout_ms`; the same call again goes on with it. `client_order_id` makes
        the call idempotent. What could not be traded within the limit is back on the account.

            order = await router.route(quote, account="alice", client_order_id="alice-1")
            assert order.status.is_final

        Args:
            quote: what `quote` returned, while it has not expired.
            account: client account that pays and receives.
            client_order_id: the caller's own name of the order, unique per account.
            deadline_ms: milliseconds from now until nothing more is sent for the order.

        Raises:
            UsageError: ORDER_INVALID or IDEMPOTENCY_CONFLICT.
            FailureError: QUOTE_STALE, INSUFFICIENT_BALANCE, ORDER_LIMIT_EXCEEDED, PRICE_GUARD,
                DEADLINE_EXPIRED, SIGNER_FROZEN or CHAIN_UNAVAILABLE; nothing is held then.
        """
        self._app.require_writing()
        body = RouteBody.parse(
            {
                "account": account,
                "client_order_id": name_or_new(client_order_id),
                "deadline_ms": deadline_ms,
            }
        )
        deadline_s = None
        if body.deadline_ms is not None:
            deadline_s = (self._app.clock.now_ms() + body.deadline_ms) // 1_000
        return await self._app.execution.route(
            quote,
            account=body.account,
            client_order_id=body.client_order_id,
            deadline_s=deadline_s,
        )

    async def orders(self, account: str | None = None, limit: int = 50) -> list[OrderState]:
        """Return at most `limit` routed orders, newest first."""
        count = _page(limit)
        return await self._app.database.read(lambda uow: uow.orders.recent(count, account))

    async def order(self, order_id: str) -> OrderState:
        """Return one routed order.

        Raises:
            FailureError: NOT_FOUND.
        """
        state = await self._app.database.read(lambda uow: uow.orders.by_id(order_id))
        if state is None:
            raise FailureError("NOT_FOUND", f"There is no order {order_id}.")
        return state

    async def pools(self) -> tuple[PoolRef, ...]:
        """Return the pools that take part in quotes."""
        view = await self._app.feed.view()
        return tuple(pool.ref for pool in view.pools)

    # -- our book -------------------------------------------------------------------------------

    async def instruments(self) -> tuple[Instrument, ...]:
        """Return the pairs of our own book."""
        return await self._app.book.instruments()

    async def ladder(self, instrument: str, depth: int = 10, *, venue: str = "book") -> Ladder:
        """Return the depth of one book, best levels first; 0 is all.

        `venue` is our own book or the name of a configured exchange.

        Raises:
            UsageError: ORDER_INVALID, a depth that is none.
            FailureError: NOT_FOUND, no such venue or instrument; VENUE_UNAVAILABLE.
        """
        if not 0 <= depth <= _PAGE_MAX:
            raise UsageError("ORDER_INVALID", f"A depth is 0 to {_PAGE_MAX} levels.")
        place = self._app.venues.get(venue)
        if place is None:
            known = ", ".join(sorted(self._app.venues))
            raise FailureError("NOT_FOUND", f"There is no venue {venue!r}; there are: {known}.")
        return await place.ladder(instrument, depth)

    async def place_limit(
        self,
        instrument: str,
        side: str | Side,
        quantity: AmountInput,
        price: AmountInput,
        *,
        account: str,
        client_order_id: str | None = None,
        post_only: bool = False,
    ) -> LimitResult:
        """Place an order in our own book; what does not trade at once rests there.

            await router.place_limit("WETH/USDC", "buy", "1.5", "3480", account="maker")

        Raises:
            UsageError: ORDER_INVALID, AMOUNT_INVALID, AMOUNT_PRECISION or AMOUNT_RANGE.
            FailureError: NOT_FOUND, there is no such instrument; INSUFFICIENT_BALANCE or
                ORDER_REJECTED.
        """
        self._app.require_writing()
        body = LimitOrderBody.parse(
            {
                "account": account,
                "instrument": instrument,
                "side": str(side),
                "quantity": amount_text(quantity),
                "price": amount_text(price),
                "client_order_id": name_or_new(client_order_id),
            }
        )
        traded = next((i for i in await self.instruments() if i.symbol == body.instrument), None)
        if traded is None:
            raise FailureError("NOT_FOUND", f"The book has no instrument {body.instrument!r}.")
        lots, ticks = body.lots_and_ticks(traded)
        order = LimitOrder(
            client_order_id=body.client_order_id,
            account=user_account(body.account),
            instrument=traded.symbol,
            side=body.side,
            price_ticks=ticks,
            lots=lots,
            post_only=post_only,
        )
        return await self._app.book.place_limit(order)

    async def cancel(self, client_order_id: str, *, account: str) -> BookOrder:
        """Take an order out of our book; idempotent.

        Raises:
            FailureError: NOT_FOUND.
        """
        self._app.require_writing()
        return await self._app.book.cancel(user_account(account), client_order_id)

    async def open_orders(self, account: str | None = None) -> list[BookOrder]:
        """Return orders resting in our book."""
        name = None if account is None else user_account(account)
        return await self._app.book.open_orders(name)

    # -- accounts and wallets -------------------------------------------------------------------

    async def balances(self, account: str) -> list[Balance]:
        """Return an account's balances: `total`, `held` and `available` in base units."""
        name = user_account(account)
        found = await self._app.database.read(lambda uow: uow.ledger.balances(name))
        return [balance for balance in found if balance.account == name]

    async def balance(self, account: str, asset: str) -> Amount:
        """Return what an account can spend of one asset.

        Raises:
            UsageError: ASSET_UNKNOWN.
        """
        wanted = self.assets.by_symbol(asset)
        found = [b for b in await self.balances(account) if b.asset == wanted.symbol]
        return Amount(sum(balance.available for balance in found), wanted)

    async def wallets(self) -> tuple[WalletLine, ...]:
        """Return the hot and the cold wallet, on chain and in the ledger.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        return await self._app.custody.wallets()

    def deposit_address(self) -> str:
        """Return where clients send deposits to; the sender's address tells whose they are."""
        return self._app.settlement.address

    async def scan_deposits(self) -> tuple[Deposit, ...]:
        """Look for deposits up to the head and return those that were credited just now."""
        self._app.require_writing()
        return (await self._app.custody.scan_deposits()).credited

    async def withdraw(
        self,
        account: str,
        asset: str,
        amount: AmountInput,
        destination: str,
        *,
        client_id: str | None = None,
        wait: bool = True,
    ) -> tuple[Withdrawal, Intent | None]:
        """Pay an account's units to an address outside, exactly once per `client_id`.

        With `wait` the transaction's intent is returned too: final, or as it is when the chain
        takes longer than `chain.inclusion_timeout_ms`; the payment goes on then.

        Raises:
            UsageError: ASSET_UNKNOWN, AMOUNT_INVALID, AMOUNT_PRECISION, AMOUNT_RANGE,
                ORDER_INVALID, IDEMPOTENCY_CONFLICT or DESTINATION_INVALID.
            FailureError: INSUFFICIENT_BALANCE, SIGNER_FROZEN or CHAIN_UNAVAILABLE.
        """
        self._app.require_writing()
        body = WithdrawBody.parse(
            {
                "account": account,
                "asset": asset,
                "amount": amount_text(amount),
                "destination": destination,
                "client_id": name_or_new(client_id),
            }
        )
        made = await self._app.custody.withdraw(
            body.account, body.to_amount(self.assets), body.destination, body.client_id
        )
        return made, await self._intent_in_time(made.intent_id) if wait else None

    async def _intent_in_time(self, intent_id: str) -> Intent | None:
        timeout_ms = self._app.profile.settings.chain.inclusion_timeout_ms
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                return await self._app.settlement.result(intent_id)
        except TimeoutError:
            found = await self._app.database.read(
                lambda uow: uow.settlement.find(intent_id=intent_id)
            )
            return found[0] if found else None

    async def journals(
        self, reference: str | None = None, *, after: int = 0, limit: int = 100
    ) -> list[PostedJournal]:
        """Return ledger journals with a sequence above `after`, oldest first.

        `reference` is an order id for a routed order's own journals.
        """
        count, start = _page(limit), max(0, min(after, _SEQUENCE_MAX))
        return await self._app.database.read(
            lambda uow: uow.ledger.journals(start, count, reference)
        )

    async def reconcile(self) -> ReconcileReport:
        """Credit deposits, then compare ledger, holds and chain to the base unit.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        self._app.require_writing()
        await self._app.custody.scan_deposits()
        return await self._app.reconciler.run()

    async def thaw(self, reason: str) -> str | None:
        """Let the signer sign again; return why it was frozen, None when it was not.

        `reason` says why that is safe now; it is logged with what it was frozen for.
        """
        self._app.require_writing()
        was = await self._app.database.write(_thaw)
        if was is not None:
            _log.warning("signer_thawed", reason=reason, was_frozen_for=was)
        return was

    async def close_incident(self, note: str) -> tuple[ReconcileReport, PostedJournal | None]:
        """Accept the unexplained flows of a fresh reconciliation as they are, and thaw.

        What left is booked as a loss of the house, what arrived goes to suspense, the chain's
        nonce is adopted. `note` says what was found out; it is kept in the journal.

        Raises:
            FailureError: INCIDENT_OPEN, there are breaks that are no flows, or foreign
                transactions to abandon first; CHAIN_UNSTEADY or CHAIN_UNAVAILABLE.
        """
        report = await self.reconcile()
        return report, await self._app.custody.close_incident(report, note)

    async def cancel_transaction(self, intent_id: str) -> Intent:
        """Race a stuck transaction with an empty one of the same nonce; return what won.

        Waits until either is final. Only the cancellation's finality returns the hold.

        Raises:
            FailureError: NOT_FOUND; SIGNER_REFUSED when it is mined already, its fees cannot be
                raised within the cap, or the signer is frozen; CHAIN_UNAVAILABLE when neither is
                mined in time, which changes nothing.
        """
        self._app.require_writing()
        await self._app.settlement.cancel(intent_id)
        timeout_s = self._app.profile.settings.chain.inclusion_timeout_ms / 1_000
        try:
            async with asyncio.timeout(timeout_s):
                return await self._app.settlement.result(intent_id)
        except TimeoutError as error:
            raise FailureError(
                "CHAIN_UNAVAILABLE", f"{intent_id} is still being raced; ask again later."
            ) from error

    async def abandon(self, intent_id: str) -> Intent:
        """End a transaction whose nonce somebody else used up for good; its hold returns.

        Raises:
            FailureError: NOT_FOUND; SIGNER_REFUSED while it could still be paid.
        """
        self._app.require_writing()
        return await self._app.settlement.abandon(intent_id)


def _moved_bps(told: Quote, fresh: Quote) -> float:
    """How far the net amount is from what was told last, in basis points."""
    moved = abs(fresh.net_units - told.net_units)
    return float(moved / max(abs(told.net_units), 1)) * BPS_ONE


def _page(limit: int) -> int:
    return max(1, min(limit, _PAGE_MAX))


def _thaw(uow: UnitOfWork) -> str | None:
    was = uow.custody.freeze()
    uow.custody.freeze(thaw=True)
    return was
