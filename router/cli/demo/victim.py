"""A process that dies: routes one order and kills itself the moment its transaction is stored.

Run as `python -m router.cli.demo.victim HOME`. SIGKILL cannot be caught, so nothing is tidied
up; whatever the next start needs has to be on disk already.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from router.cli.demo.isolation import demo_settings
from router.domain.errors import RouterError
from router.domain.orders import OrderState
from router.domain.settlement import IntentKind
from router.sdk import Router

ACCOUNT = "bob"
SELL, BUY, AMOUNT = "USDC", "WBTC", "1.5"
CLIENT_ORDER_ID = "demo-second"
LAST_STEP = "stored"


def die_at_last_step(step: str, intent_id: str) -> None:
    """Kill this very process once the swap's signed bytes are on disk and before they are sent.

    The approval that may go before it is left alone: the story is about the payment.
    """
    if step == LAST_STEP and intent_id.startswith(IntentKind.SWAP):
        os.kill(os.getpid(), signal.SIGKILL)


async def route_and_die(home: Path) -> OrderState:
    async with Router.open(demo_settings(home), on_settlement_step=die_at_last_step) as router:
        quote = await router.quote(SELL, BUY, AMOUNT, exact_out=True)
        return await router.route(quote, account=ACCOUNT, client_order_id=CLIENT_ORDER_ID)


def main() -> None:
    try:
        state = asyncio.run(route_and_die(Path(sys.argv[1])))
    except RouterError as error:
        sys.exit(f"error {error.code}: {error.message}")
    sys.exit(f"the process was meant to die, and the order is {state.status}")


if __name__ == "__main__":
    main()
