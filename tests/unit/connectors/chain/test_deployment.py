"""The deployment file is read back as it was written and refused when it is damaged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.chain.deployment import Deployment
from connectors.dex.uniswap_v4.calls import NO_HOOKS, pool_id
from router.domain.assets import Asset
from router.domain.errors import UsageError
from router.domain.market import PoolRef, Protocol


def asset(symbol: str, digit: str) -> Asset:
    return Asset(symbol=symbol, decimals=6, chain_id=31337, address="0x" + digit * 40)


@pytest.fixture
def sample() -> Deployment:
    one, other = asset("AAA", "1"), asset("BBB", "2")
    pool = PoolRef(
        protocol=Protocol.UNISWAP_V3, address="0x" + "3" * 40, token0=one, token1=other, fee_ppm=500
    )
    return Deployment(
        chain_id=31337,
        genesis_hash="0xabc",
        contracts={"RouteExecutor": "0x" + "4" * 40},
        assets=(one, other),
        pools=(pool,),
        roles={"hot": "0x" + "5" * 40},
    )


def test_what_is_written_is_read_back(sample: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(sample.to_document()))
    assert Deployment.load(path) == sample


def pools_of_every_kind(one: Asset, other: Asset) -> tuple[PoolRef, ...]:
    third = asset("CCC", "6")
    contract = {"address": "0x" + "7" * 40, "token0": one, "token1": other, "fee_ppm": 30}
    key = (one.address, other.address, 30, 60, NO_HOOKS)
    v4 = PoolRef(protocol=Protocol.UNISWAP_V4, pool_id=pool_id(key), tick_spacing=60, **contract)
    balancer = PoolRef(
        protocol=Protocol.BALANCER,
        pool_id="0x" + "8" * 64,
        further_tokens=(third,),
        variant="weighted",
        **contract,
    )
    curve = PoolRef(protocol=Protocol.CURVE, further_tokens=(third,), variant="ng", **contract)
    return v4, balancer, curve


def test_pools_of_shared_contracts_and_of_several_tokens_are_read_back(sample: Deployment) -> None:
    pools = (*sample.pools, *pools_of_every_kind(*sample.assets))
    full = replace(sample, assets=(*sample.assets, asset("CCC", "6")), pools=pools)
    assert Deployment.from_document(json.loads(json.dumps(full.to_document()))) == full
    assert len({pool.venue_id for pool in pools}) == len(pools)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("wrong", ["", "0x12", "0x" + "F" * 64, "0x" + "9" * 63])
def test_a_pool_id_that_names_no_pool_is_refused(sample: Deployment, at: int, wrong: str) -> None:
    pool = replace(pools_of_every_kind(*sample.assets)[at], pool_id=wrong)
    assets = (*sample.assets, asset("CCC", "6"))
    document = replace(sample, assets=assets, pools=(pool,)).to_document()
    with pytest.raises(UsageError) as caught:
        Deployment.from_document(document)
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("key", ["version", "chain_id", "assets", "pools", "contracts", "roles"])
def test_a_document_without_one_of_its_parts_is_refused(sample: Deployment, key: str) -> None:
    document = sample.to_document()
    del document[key]
    with pytest.raises(UsageError) as caught:
        Deployment.from_document(document)
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"assets": [{"symbol": "AAA", "decimals": 99, "address": "0x" + "1" * 40}]},
        {"assets": [{"symbol": "AAA"}]},
        {"pools": [{"protocol": "kyber", "address": "0x", "token0": "AAA", "token1": "BBB"}]},
        {"contracts": 5},
    ],
)
def test_a_damaged_document_is_refused(sample: Deployment, damage: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        Deployment.from_document({**sample.to_document(), **damage})
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("part", ["contracts", "roles", "pools", "assets"])
@pytest.mark.parametrize("address", ["0x" + "ab" * 20, "0x12", None])
def test_an_address_that_its_checksum_does_not_protect_is_refused(
    sample: Deployment, part: str, address: str | None
) -> None:
    document = sample.to_document()
    if part in {"contracts", "roles"}:
        document[part] = {next(iter(document[part])): address}
    else:
        document[part][0]["address"] = address
    with pytest.raises(UsageError) as caught:
        Deployment.from_document(document)
    assert caught.value.code == "CONFIG_INVALID"


def test_a_missing_or_unreadable_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        Deployment.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UsageError) as unreadable:
        Deployment.load(tmp_path / "bad.json")
    assert (missing.value.code, unreadable.value.code) == ("CONFIG_NOT_FOUND", "CONFIG_INVALID")


def test_a_pool_is_found_by_its_tokens_in_either_order(sample: Deployment) -> None:
    assert sample.pool(Protocol.UNISWAP_V3, "BBB", "AAA", 500) is sample.pools[0]
    with pytest.raises(ValueError, match="fee 3000"):
        sample.pool(Protocol.UNISWAP_V3, "AAA", "BBB", 3_000)
