"""Sweeps pay any amount to the cold wallet, so its address is checked before anything starts."""

import json
from pathlib import Path

import pytest

from connectors.chain.deployment import Deployment
from router.bootstrap.profile import load_profile
from router.devnet.keys import address_of
from router.domain.assets import Asset
from router.domain.errors import UsageError
from router.settings import Settings

HOT, COLD = address_of("hot"), address_of("cold")
TOKEN = "0x" + "11" * 20
EXECUTOR = "0x" + "44" * 20


def settings(home: Path, cold: str) -> Settings:
    names = ("WETH", "USDC")
    deployment = Deployment(
        chain_id=31337,
        genesis_hash="0x",
        contracts={"RouteExecutor": EXECUTOR, "Permit2": "0x" + "55" * 20},
        assets=tuple(
            Asset(symbol=name, decimals=18, chain_id=31337, address="0x" + f"{at}{at}" * 20)
            for at, name in enumerate(names, 1)
        ),
        pools=(),
        roles={"hot": HOT, "cold": COLD},
    )
    path = home / "deployment.json"
    path.write_text(json.dumps(deployment.to_document()))
    chain = {"attach": "none", "rpc_url": "http://127.0.0.1:1", "deployment_file": str(path)}
    return Settings.model_validate(
        {
            "home": str(home),
            "chain": chain,
            "wallets": {"cold_address": cold, "marks": []},
            "book": {"instruments": []},
            "risk": {"order_limits": []},
        }
    )


@pytest.mark.parametrize(
    "cold",
    [
        COLD.lower(),
        COLD.replace("d", "D", 1),
        "0x000000000000000000000000000000000000dEaD",
        HOT,
        TOKEN,
        EXECUTOR,
    ],
)
async def test_an_address_that_cannot_be_the_cold_wallet_is_refused(
    cold: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refusal:
        await load_profile(settings(tmp_path, cold))
    assert refusal.value.code == "CONFIG_INVALID"
    assert cold in refusal.value.message


@pytest.mark.parametrize("cold", ["", COLD])
async def test_the_cold_wallet_is_the_configured_one_or_the_deployment_s(
    cold: str, tmp_path: Path
) -> None:
    assert (await load_profile(settings(tmp_path, cold))).cold_address == COLD
