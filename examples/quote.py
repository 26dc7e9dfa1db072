"""Ask for the best split of an order over pools and books. Needs `router devnet up`, no key.

python examples/quote.py [SELL BUY AMOUNT]
"""

import asyncio
import sys

from router import Router


async def main(sell: str = "WETH", buy: str = "USDC", amount: str = "10") -> None:
    async with Router.open(read_only=True) as router:
        quote = await router.quote(sell, buy, amount)
        print(f"{quote.amount_in} -> {quote.amount_out} at block {quote.block.number}")
        for leg in quote.legs:
            print(f"  {leg.share_bps / 100:6.2f}% of {leg.asset_in} through {leg.label}")
        print(f"  at most {quote.gap_bps:.4f} bp from the best possible, gas {quote.gas:,}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
