"""The reader tells in one call what many single calls to the pools tell."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.chain.abi import AbiFunction, load_contract
from tests.integration.contracts.evm import Evm, Reverted
from tests.integration.contracts.market import (
    DEPLOYER,
    STRANGER,
    V2,
    V3,
    Market,
    Pool,
    create_v3,
)

READER = load_contract("PoolReader")
PARKED_AT = "0x" + "5e" * 20
SCAN_GAS = 100_000_000
SLOT0 = AbiFunction.declare(
    "slot0", (), ("uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool")
)
LIQUIDITY = AbiFunction.declare("liquidity", (), ("uint128",))
SPACING = AbiFunction.declare("tickSpacing", (), ("int24",))
TICKS = AbiFunction.declare(
    "ticks",
    ("int24",),
    ("uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"),
)


def read(evm: Evm, function: str, *values: object) -> tuple[object, ...]:
    """Call the reader through a code override: it is deployed nowhere."""
    target = READER.functions[function]
    overrides: dict[str, object] = {PARKED_AT: {"code": "0x" + READER.deployed_bytecode.hex()}}
    answer = evm.call_bytes(
        PARKED_AT, target.encode_call(*values), STRANGER, overrides, gas=SCAN_GAS
    )
    return target.decode_output(answer)


def ask(evm: Evm, pool: str, function: AbiFunction, *values: object) -> tuple[object, ...]:
    answer = evm.call_bytes(pool, function.encode_call(*values), STRANGER)
    return function.decode_output(answer)


def single_calls(evm: Evm, pool: Pool, tick_indexes: list[int]) -> tuple[object, ...]:
    """Return the reader's struct from one call per value, without the scanned words."""
    sqrt_price, tick = ask(evm, pool.address, SLOT0)[:2]
    ticks = tuple((index, *ask(evm, pool.address, TICKS, index)[:2]) for index in tick_indexes)
    return (
        pool.address.lower(),
        pool.token0.lower(),
        pool.token1.lower(),
        pool.fee_ppm,
        ask(evm, pool.address, SPACING)[0],
        sqrt_price,
        tick,
        ask(evm, pool.address, LIQUIDITY)[0],
        ticks,
    )


def without_words(state: tuple[object, ...]) -> tuple[object, ...]:
    return (*state[:8], state[10])


def test_v3_pools_are_read_as_single_calls_read_them(market: Market) -> None:
    pools = [pool for pool in market.pools.values() if pool.kind == V3]
    number, states = read(market.evm, "readV3Many", [pool.address for pool in pools])
    assert number == int(market.evm.rpc("eth_blockNumber"), 16)
    expected_ticks = [-887220, -6000, -600, -60, 60, 1200, 6000, 887220]
    assert isinstance(states, tuple)
    for pool, state in zip(pools, states, strict=True):
        assert without_words(state) == single_calls(market.evm, pool, expected_ticks)


def test_v2_pairs_are_read_with_the_same_block(market: Market) -> None:
    pools = [pool for pool in market.pools.values() if pool.kind == V2]
    number, states = read(market.evm, "readV2Many", [pool.address for pool in pools])
    assert number == int(market.evm.rpc("eth_blockNumber"), 16)
    assert states == tuple(
        (p.address.lower(), p.token0.lower(), p.token1.lower(), *market.reserves(p.address))
        for p in pools
    )


def test_reading_all_at_once_equals_reading_each_kind(market: Market) -> None:
    v3 = [pool.address for pool in market.pools.values() if pool.kind == V3]
    v2 = [pool.address for pool in market.pools.values() if pool.kind == V2]
    number, v3_states, v2_states = read(market.evm, "readAll", v3, v2)
    assert (number, v3_states) == read(market.evm, "readV3Many", v3)
    assert (number, v2_states) == read(market.evm, "readV2Many", v2)
    assert read(market.evm, "readAll", [], []) == (number, (), ())


@pytest.mark.parametrize(
    ("fee_ppm", "spacing", "words"),
    [(100, 1, (-3466, 3465)), (500, 10, (-347, 346)), (10_000, 200, (-18, 17))],
)
def test_a_full_scan_finds_the_outermost_ticks_of_every_spacing(
    market: Market, fee_ppm: int, spacing: int, words: tuple[int, int]
) -> None:
    last = 887272 // spacing * spacing
    positions = [(-last, -last + spacing, 5), (last - spacing, last, 7), (-spacing, 0, 11)]
    tokens = (market.token("A"), market.token("C"))
    pool = create_v3(market.evm, market.user, tokens, fee_ppm, positions)
    _, states = read(market.evm, "readV3Many", [pool.address])
    assert isinstance(states, tuple)
    (state,) = states
    assert state[8:10] == words
    assert [tick[0] for tick in state[10]] == [
        -last,
        -last + spacing,
        -spacing,
        0,
        last - spacing,
        last,
    ]


def test_the_words_asked_for_are_the_words_scanned(market: Market) -> None:
    pool = market.pools["v3 AB 3000"]
    _, state = read(market.evm, "readV3Words", pool.address, -1, 0)
    assert isinstance(state, tuple)
    assert state[8:10] == (-1, 0)
    assert [tick[0] for tick in state[10]] == [-6000, -600, -60, 60, 1200, 6000]
    _, first_half = read(market.evm, "readV3Words", pool.address, -1, -1)
    _, second_half = read(market.evm, "readV3Words", pool.address, 0, 0)
    assert isinstance(first_half, tuple)
    assert isinstance(second_half, tuple)
    assert first_half[10] + second_half[10] == state[10]
    with pytest.raises(Reverted):
        read(market.evm, "readV3Words", pool.address, 1, 0)


@settings(max_examples=15, deadline=None)
@given(compressed=st.sets(st.integers(-520, 520), min_size=2, max_size=40))
def test_any_set_of_ticks_is_found_complete_and_in_order(
    built_market: Market, compressed: set[int]
) -> None:
    market = built_market
    with market.evm.rolled_back():
        tokens = (market.token("A"), market.token("C"))
        indexes = sorted(index * 200 for index in compressed)
        positions = [(lower, upper, 10**6) for lower, upper in pairwise(indexes)]
        pool = create_v3(market.evm, market.user, tokens, 10_000, positions)
        _, states = read(market.evm, "readV3Many", [pool.address])
        assert isinstance(states, tuple)
        assert without_words(states[0]) == single_calls(market.evm, pool, indexes)


def test_an_address_that_is_no_pool_fails_the_call(market: Market) -> None:
    for function in ("readV3Many", "readV2Many"):
        for address in (STRANGER, market.token("A")):
            with pytest.raises(Reverted):
                read(market.evm, function, [address])


def test_four_hundred_ticks_are_one_cheap_call(market: Market) -> None:
    tokens = (market.token("A"), market.token("C"))
    pool = create_v3(market.evm, market.user, tokens, 500, [])
    for lower in range(-2000, 2000, 250):
        market.user.send("addV3Row", pool.address, lower, 10, 25, 10**6)
    _, states = read(market.evm, "readV3Many", [pool.address])
    assert isinstance(states, tuple)
    assert [tick[0] for tick in states[0][10]] == list(range(-2000, 2001, 10))

    reader = market.evm.deploy(READER, DEPLOYER)
    call_data = READER.functions["readV3Many"].encode_call([pool.address])
    request = {"from": STRANGER, "to": reader.address, "data": "0x" + call_data.hex()}
    gas = int(market.evm.rpc("eth_estimateGas", request), 16)
    print(f"gas of 694 words and 401 ticks: {gas}")
    assert gas < 8_000_000
