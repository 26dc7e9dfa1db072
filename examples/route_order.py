"""Route an order and follow it until it is settled. Needs `router devnet up`.

The account has to hold what it sells: pay in with `router deposit alice WETH 10` first.

python examples/route_order.py [ACCOUNT SELL BUY AMOUNT]
"""

import sys

from router import RouterError, SyncRouter
from router.execution.events import OrderEvent


def main(account: str = "alice", sell: str = "WETH", buy: str = "USDC", amount: str = "1") -> int:
    def tell(event: OrderEvent) -> None:
        print(f"  {event.kind}: {event.facts}")

    with SyncRouter.open(on_order_event=tell) as router:
        try:
            quote = router.quote(sell, buy, amount)
            order = router.route(quote, account=account)
        except RouterError as error:
            print(f"{error.code}: {error.message}")
            return error.exit_code
        print(f"{order.status}: {quote.amount_in} -> {router.balance(account, buy)} available")
        return 0 if order.status == "settled" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
