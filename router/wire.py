"""What clients send, as the SDK and the HTTP API share it. It ends at `to_domain`.

Amounts are decimal strings in whole tokens; a float is refused because it cannot carry money.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.errors import UsageError
from router.domain.market import Instrument, Protocol
from router.domain.orders import RouteConstraints, Side, SwapMode
from router.domain.routes import QuoteRequest

M = TypeVar("M", bound="Body")


def _decimal_text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    # Pydantic turns a ValueError into its own report, a TypeError it lets through.
    raise ValueError(f"a {type(value).__name__} cannot carry money; pass a string such as '0.5'")


DecimalText = Annotated[str, BeforeValidator(_decimal_text)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$")]
Symbol = Annotated[str, Field(min_length=1, max_length=80)]


class Body(BaseModel):
    """A request; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """Read a request.

        Raises:
            UsageError: AMOUNT_INVALID when an amount is at fault, else ORDER_INVALID.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "The request"
            reason = str(first["msg"]).removeprefix("Value error, ")
            code = "AMOUNT_INVALID" if name in {"amount", "quantity", "price"} else "ORDER_INVALID"
            raise UsageError(code, f"{name}: {reason}.") from error


class QuoteBody(Body):
    """Sell `amount` of `sell` for `buy`, or with `exact_out` buy `amount` of `buy`."""

    sell: Symbol
    buy: Symbol
    amount: DecimalText
    exact_out: bool = False
    slippage_bps: int = Field(default=50, ge=0, le=10_000)
    max_hops: int = Field(default=3, ge=1, le=6)
    max_legs: int = Field(default=16, ge=1, le=32)
    gas_price_wei: int | None = Field(default=None, ge=0, lt=2**128)
    max_gas: int | None = Field(default=None, ge=21_000, lt=2**63)
    direct_only: bool = False
    exclude: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    protocols: frozenset[Protocol] = frozenset(Protocol)
    exclude_tokens: frozenset[Symbol] = frozenset()
    connectors: frozenset[Symbol] | None = None
    alternatives: int = Field(default=0, ge=0, le=8)

    def to_domain(self, registry: AssetRegistry) -> QuoteRequest:
        """Resolve the assets and the amount.

        Raises:
            UsageError: ASSET_UNKNOWN, SAME_ASSET, AMOUNT_INVALID, AMOUNT_PRECISION, AMOUNT_RANGE.
        """
        asset_in, asset_out = registry.by_symbol(self.sell), registry.by_symbol(self.buy)
        if asset_in == asset_out:
            raise UsageError("SAME_ASSET", f"{asset_in} cannot be swapped for itself.")
        measured = asset_out if self.exact_out else asset_in
        return QuoteRequest(
            mode=SwapMode.EXACT_OUT if self.exact_out else SwapMode.EXACT_IN,
            asset_in=asset_in,
            asset_out=asset_out,
            amount_units=Amount.parse(self.amount, measured).units,
            slippage_bps=self.slippage_bps,
            gas_price_wei=self.gas_price_wei,
            constraints=self._constraints(registry),
            alternatives=self.alternatives,
        )

    def _constraints(self, registry: AssetRegistry) -> RouteConstraints:
        """Resolve the tokens that routes may and may not pass through.

        Raises:
            UsageError: ASSET_UNKNOWN.
        """

        def symbols(names: frozenset[str]) -> frozenset[str]:
            return frozenset(registry.by_symbol(name).symbol for name in names)

        return RouteConstraints(
            max_hops=1 if self.direct_only else self.max_hops,
            max_legs=self.max_legs,
            max_gas=self.max_gas,
            excluded_venues=self.exclude,
            included_venues=self.include,
            included_protocols=self.protocols,
            excluded_tokens=symbols(self.exclude_tokens),
            connector_tokens=None if self.connectors is None else symbols(self.connectors),
        )


class RouteBody(Body):
    """Route a quote for an account; `deadline_ms` from now, else the configured life."""

    account: Name
    client_order_id: Name
    deadline_ms: int | None = Field(default=None, ge=-(10**12), le=10**12)


class WithdrawBody(Body):
    """Pay `amount` of `asset` from an account to `destination`, once per `client_id`."""

    account: Name
    asset: Symbol
    amount: DecimalText
    destination: str
    client_id: Name

    def to_amount(self, registry: AssetRegistry) -> Amount:
        """Resolve the asset and the amount.

        Raises:
            UsageError: ASSET_UNKNOWN, AMOUNT_INVALID, AMOUNT_PRECISION or AMOUNT_RANGE.
        """
        return Amount.parse(self.amount, registry.by_symbol(self.asset))


class LimitOrderBody(Body):
    """A resting order in our book: `quantity` in base, `price` in quote per one whole base."""

    account: Name
    instrument: Symbol
    side: Side
    quantity: DecimalText
    price: DecimalText
    client_order_id: Name

    def lots_and_ticks(self, instrument: Instrument) -> tuple[int, int]:
        """Return (lots, price in ticks).

        Raises:
            UsageError: ORDER_INVALID when they are not whole, or what `Amount.parse` raises.
        """
        quantity = Amount.parse(self.quantity, instrument.base).units
        price = Amount.parse(self.price, instrument.quote).units
        lots, lot_rest = divmod(quantity, instrument.lot_units)
        # One tick is `tick_units` of quote per lot; the price is quote per one whole base.
        per_base = instrument.tick_units * instrument.base.one_in_units
        ticks, tick_rest = divmod(price * instrument.lot_units, per_base)
        if lot_rest or lots == 0:
            lot = Amount(instrument.lot_units, instrument.base)
            raise UsageError("ORDER_INVALID", f"The quantity is not a multiple of {lot}.")
        if tick_rest or ticks == 0:
            raise UsageError(
                "ORDER_INVALID", f"The price is not a multiple of the tick of {instrument.symbol}."
            )
        return lots, ticks
