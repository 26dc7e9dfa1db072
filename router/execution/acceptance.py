"""Taking an order: is it known, does the market still agree, may it be held for."""

from dataclasses import replace
from typing import Protocol

from router.domain.errors import FailureError, UsageError
from router.domain.ledger import user_account, wallet_account
from router.domain.orders import OrderState, OrderStatus, SwapMode, SwapOrder
from router.domain.routes import Quote, QuoteRequest
from router.execution.terms import fingerprint_of, request_of, within_limit
from router.ledger import available_units, place_hold
from router.ports import Clock, Database, UnitOfWork
from router.risk.checks import Denied, RiskInputs, RiskLimits, check_order, check_quote_time


class Quoting(Protocol):
    """Gives a fresh quote of the market as it is now."""

    async def quote(self, request: QuoteRequest) -> Quote: ...


class Acceptance:
    """Decides about new orders; whatever it refuses leaves no trace."""

    def __init__(
        self,
        database: Database,
        quoting: Quoting,
        clock: Clock,
        limits: RiskLimits,
        hot_wallet: str,
    ) -> None:
        """`hot_wallet` is the address that on-chain legs are paid from."""
        self._hot_account = wallet_account(hot_wallet)
        self._database = database
        self._quoting = quoting
        self._clock = clock
        self._limits = limits

    async def known(self, terms: SwapOrder) -> OrderState | None:
        """Return the order that was accepted on these terms before.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT, the client order id has other terms.
        """
        found = await self._database.read(
            lambda uow: uow.orders.by_client_id(terms.account, terms.client_order_id)
        )
        if found is None:
            return None
        state, mark = found
        if mark != fingerprint_of(terms):
            raise UsageError(
                "IDEMPOTENCY_CONFLICT", f"Order {terms.client_order_id} exists with other terms."
            )
        return state

    async def fresh(self, quote: Quote) -> Quote:
        """Quote again now; the market may have moved, but not beyond the limit.

        Raises:
            FailureError: QUOTE_STALE.
        """
        timely = check_quote_time(quote, self._clock.now_ms())
        if isinstance(timely, Denied):
            raise timely.as_failure()
        request = request_of(quote)
        try:
            fresh = await self._quoting.quote(request)
            if quote.mode is SwapMode.EXACT_IN and fresh.amount_in.units > quote.amount_in.units:
                # More of it would find a venue now, but the order is for what was quoted.
                exactly = replace(request, amount_units=quote.amount_in.units)
                fresh = await self._quoting.quote(exactly)
        except FailureError as error:
            if error.code not in {"NO_ROUTE", "INSUFFICIENT_LIQUIDITY"}:
                raise
            raise FailureError(
                "QUOTE_STALE", f"The market has gone since the quote: {error.message}"
            ) from error
        if not within_limit(fresh, quote.limit_units):
            raise FailureError(
                "QUOTE_STALE", "The market moved beyond the quote's limit; quote again."
            )
        return fresh

    async def accept(self, order: SwapOrder, fresh: Quote) -> None:
        """Check the order and, in one transaction, record it and hold the most it can spend.

        Raises:
            FailureError: what `check_order` denies with; nothing was held.
        """
        account, symbol = user_account(order.account), order.asset_in.symbol
        hold_id = f"order:{order.order_id}"
        now_ms = self._clock.now_ms()

        def hold(uow: UnitOfWork) -> None:
            inputs = RiskInputs(
                available_units=available_units(uow.ledger, account, symbol),
                hot_units=available_units(uow.ledger, self._hot_account, symbol),
                now_ms=now_ms,
                block=fresh.block,
                frozen_reason=uow.custody.freeze(),
            )
            answer = check_order(order, fresh, inputs, self._limits)
            if isinstance(answer, Denied):
                raise answer.as_failure()
            state = OrderState(order=order, status=OrderStatus.ACCEPTED, hold_id=hold_id)
            uow.orders.add(state, fingerprint_of(order))
            place_hold(uow.ledger, hold_id, account, symbol, order.max_in_units, order.order_id)

        await self._database.write(hold)
