"""Our own book over every database: a short day of trading, a restart, and the books balance."""

from router.domain.ledger import FEE_REVENUE
from router.domain.market import Instrument
from router.domain.orders import Side
from router.domain.taking import TakerOrder
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import place_hold, post, verify
from router.ports import UnitOfWork
from router.storage import SqlDatabase
from tests.conformance.database_records import USDC, WETH, deposit

PAIR = Instrument(
    symbol="WETH/USDC",
    base=WETH,
    quote=USDC,
    lot_units=10**15,
    tick_units=10,
    taker_fee_ppm=1_000,
    maker_fee_ppm=200,
)
MAKER, TAKER = "user/maker", "user/taker"


class StoppedClock:
    def now_ms(self) -> int:
        return 1_000

    async def sleep_s(self, _seconds: float) -> None:
        raise AssertionError("the book never sleeps")


def fund(uow: UnitOfWork) -> None:
    for account in (MAKER, TAKER):
        for asset, units in (("WETH", 10**20), ("USDC", 10**12)):
            post(uow.ledger, deposit(f"{account}{asset}", units, account, asset), 1)
    place_hold(uow.ledger, "order", TAKER, "USDC", 10**9, "order")


async def test_a_day_of_trading_balances_to_the_unit(database: SqlDatabase) -> None:
    await database.write(fund)
    book = OwnBook(database, [PAIR], StoppedClock())
    for number, (side, price) in enumerate([(Side.SELL, 205), (Side.SELL, 203), (Side.BUY, 199)]):
        await book.place_limit(
            LimitOrder(
                client_order_id=f"m{number}",
                account=MAKER,
                instrument=PAIR.symbol,
                side=side,
                price_ticks=price,
                lots=100,
            )
        )
    order = TakerOrder(
        client_order_id="t",
        account=TAKER,
        instrument=PAIR.symbol,
        side=Side.BUY,
        lots=150,
        limit_price_ticks=205,
    )
    fill = await book.place(order, hold_id="order", reference="order")
    assert fill.paid_units == (100 * 203 + 50 * 205) * 10
    assert fill.fee_units == 150 * 10**15 // 1_000
    assert await OwnBook(database, [PAIR], StoppedClock()).place(
        order, hold_id="order", reference="order"
    ) == fill  # fmt: skip
    await book.cancel(MAKER, "m2")

    restarted = OwnBook(database, [PAIR], StoppedClock())
    ladder = await restarted.ladder(PAIR.symbol, 0)
    assert [(level.price_ticks, level.lots) for level in ladder.asks] == [(205, 50)]
    assert ladder.bids == ()
    assert await restarted.balances() == {"WETH": 50 * 10**15}
    fees = await database.read(lambda uow: uow.ledger.balances(FEE_REVENUE))
    assert {fee.asset: fee.total for fee in fees} == {
        "WETH": fill.fee_units,
        "USDC": 41 + 21,  # 0.02 % of 203,000 and of 102,500, each rounded up
    }
    audit = await database.read(lambda uow: verify(uow.ledger))
    assert audit.is_sound, audit.problems
