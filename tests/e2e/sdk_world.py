"""A router over the devnet of the test's fixtures, with funded clients and a two-sided book."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.chain.erc20 import TRANSFER
from connectors.chain.rpc import JsonRpc
from router.devnet import DevnetHandle
from router.devnet.keys import write_hot_keystore
from router.sdk import Router

# account -> role on the devnet whose deposits are its own
CLIENTS = {"alice": "alice", "bob": "bob", "maker": "market_maker"}
FUNDS = {
    "alice": {"WETH": "300", "USDC": "1000000", "WBTC": "10", "DAI": "500000", "USDT": "500000"},
    "maker": {"WETH": "500", "USDC": "2000000", "WBTC": "20", "LINK": "50000"},
}


def overrides(devnet: DevnetHandle, home: Path, **more: Any) -> dict[str, Any]:
    """Return the settings of a router over `devnet` with its files in `home`."""
    deployment = devnet.deployment
    path = home / "deployment.json"
    path.write_text(json.dumps(deployment.to_document()))
    if not (home / "keys/hot.json").exists():
        write_hot_keystore(home, deployment.chain_id)
    chain = {
        "attach": "none",
        "rpc_url": devnet.url,
        "deployment_file": str(path),
        "poll_interval_ms": 5,
    }
    accounts = {name: {"deposit_sender": deployment.roles[role]} for name, role in CLIENTS.items()}
    settings: dict[str, Any] = {"home": str(home), "chain": chain, "accounts": accounts}
    for section, values in more.items():
        settings[section] = {**settings.get(section, {}), **values}
    return settings


async def send(devnet: DevnetHandle, sender: str, asset: str, to: str, units: int) -> None:
    """Move tokens on chain with the sender's key, one mined transaction."""
    token = devnet.deployment.asset(asset).address
    async with JsonRpc(devnet.url) as rpc:
        await rpc.call("anvil_impersonateAccount", [sender])
        call = {
            "from": sender,
            "to": token,
            "data": "0x" + TRANSFER.encode_call(to, units).hex(),
        }
        tx_hash = await rpc.call("eth_sendTransaction", [call])
        async with asyncio.timeout(10):
            receipt = None
            while receipt is None:
                receipt = await rpc.call("eth_getTransactionReceipt", [tx_hash])
        assert receipt["status"] == "0x1", (asset, sender)


async def fund(router: Router, devnet: DevnetHandle, funds: dict[str, dict[str, str]]) -> None:
    """Deposit for clients from their own addresses and credit it."""
    for account, amounts in funds.items():
        sender = devnet.deployment.roles[CLIENTS[account]]
        for symbol, amount in amounts.items():
            asset = devnet.deployment.asset(symbol)
            units = int(amount) * asset.one_in_units
            await send(devnet, sender, symbol, router.deposit_address(), units)
    await router.scan_deposits()


async def make_book(router: Router) -> None:
    """Quote both sides closely around the devnet's own prices as the market maker."""
    for step in range(1, 6):
        for instrument, centre, size, tick in [
            ("WETH/USDC", Decimal("3500.5"), "8", Decimal("0.4")),
            ("WBTC/USDC", Decimal(65_010), "0.5", Decimal(8)),
        ]:
            for side, sign in [("buy", -1), ("sell", 1)]:
                price = centre + sign * step * tick
                await router.place_limit(instrument, side, size, price, account="maker")
