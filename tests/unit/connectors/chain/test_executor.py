"""What the encoder refuses, and how it reads a receipt."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.chain.abi import load_contract
from connectors.chain.erc20 import APPROVE, TRANSFER_TOPIC, address_topic
from connectors.chain.executor import PERMIT2_ADDRESS, ExecutorEncoder, hash_plan
from connectors.chain.keystore import HotKey
from connectors.chain.policy import SignerPolicy
from connectors.chain.signer import LocalSigner
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.market import PoolRef, Protocol
from router.domain.routes import Leg
from router.domain.settlement import Log, Receipt, TxRequest

CHAIN = 31337
EXECUTOR = "0x00000000000000000000000000000000Deadc0de"
HOT = "0x0000000000000000000000000000000000abCDef"
WETH = Asset(symbol="WETH", decimals=18, chain_id=CHAIN, address="0x" + "11" * 20)
USDC = Asset(symbol="USDC", decimals=6, chain_id=CHAIN, address="0x" + "22" * 20)
POOL = "0x" + "33" * 20
ENCODER = ExecutorEncoder(EXECUTOR)


class NoSigner:
    """Stands in where nothing must be signed."""


def signer() -> LocalSigner:
    from eth_utils.address import to_checksum_address

    policy = SignerPolicy(
        chain_id=CHAIN,
        executor=to_checksum_address(EXECUTOR),
        permit2=PERMIT2_ADDRESS,
        tokens=frozenset(to_checksum_address(a.address) for a in (WETH, USDC)),
        max_gas_cost_wei=1,
    )
    return LocalSigner(HotKey(bytes(range(1, 33))), policy)


def leg(protocol: Protocol, *, takes_rest: bool = False, amount: int = 5) -> Leg:
    return Leg(
        venue_id=f"{protocol}:{POOL}",
        protocol=protocol,
        label="x",
        asset_in=WETH,
        asset_out=USDC,
        amount_in_units=amount,
        amount_out_units=9,
        fee_units=0,
        fee_ppm=3000,
        gas=100_000,
        ticks_crossed=0,
        share_bps=10_000,
        takes_rest=takes_rest,
        marginal_price=1.0,
    )


def encode(**changes: Any) -> TxRequest:
    arguments: dict[str, Any] = {
        "plan_id": b"\1" * 32,
        "legs": [leg(Protocol.UNISWAP_V2), leg(Protocol.UNISWAP_V3, takes_rest=True)],
        "amount_in_units": 10,
        "minimums": [(USDC, 3)],
        "permit_nonce": 77,
        "deadline_s": 1234,
        "signer": signer(),
        "chain_id": CHAIN,
        **changes,
    }
    return ENCODER.encode(**arguments)


def test_legs_become_steps_in_their_order_and_the_permit_binds_the_plan() -> None:
    request = encode()
    plan, signature = load_contract("RouteExecutor").functions["execute"].decode_input(request.data)
    assert (request.to, request.value_wei) == (EXECUTOR, 0)
    assert plan == (
        b"\1" * 32,
        WETH.address,
        10,
        77,
        1234,
        (
            (0, POOL, WETH.address, USDC.address, 3000, 5, bytes(32)),
            (1, POOL, WETH.address, USDC.address, 0, 2**256 - 1, bytes(32)),
        ),
        ((USDC.address, 3),),
    )
    assert len(signature) == 65
    other = encode(minimums=[(USDC, 4)])
    _, other_signature = (
        load_contract("RouteExecutor").functions["execute"].decode_input(other.data)
    )
    assert other_signature != signature
    assert len(hash_plan(plan)) == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"legs": []},
        {"minimums": []},
        {"minimums": [(USDC, 0)]},
        {"amount_in_units": 0},
        {"legs": [leg(Protocol.BOOK)]},
    ],
    ids=["no leg", "no output", "no minimum", "no input", "not on chain"],
)
def test_a_plan_that_the_contract_would_refuse_is_not_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"plan|minimum|on chain"):
        encode(**changes, signer=NoSigner())


def test_the_coin_needs_no_approval() -> None:
    coin = Asset(symbol="ETH", decimals=18, chain_id=CHAIN, address=NATIVE_ADDRESS)
    with pytest.raises(ValueError, match="approval"):
        ENCODER.approval(coin)


@given(st.integers(0, 2**256 - 1))
def test_an_approval_is_for_the_permit_contract_alone(units: int) -> None:
    request = ENCODER.approval(USDC, units)
    assert (request.to, request.value_wei) == (USDC.address, 0)
    spender, allowed = APPROVE.decode_input(request.data)
    assert (spender, allowed) == (PERMIT2_ADDRESS.lower(), units)


@given(st.integers(1, 16), st.integers(1, 8))
def test_the_gas_limit_is_above_the_legs_own_estimates(legs: int, outputs: int) -> None:
    request = encode(legs=[leg(Protocol.UNISWAP_V3)] * legs, minimums=[(USDC, 1)] * outputs)
    assert request.gas_limit > legs * 100_000 + 21_000


def test_no_gas_limit_is_above_what_a_transaction_may_ask_for() -> None:
    request = encode(legs=[leg(Protocol.UNISWAP_V3)] * 150)
    assert request.gas_limit == 2**24


def transfer(token: str, sender: str, recipient: str, units: int, ordinal: int) -> Log:
    return Log(
        address=token,
        topics=(TRANSFER_TOPIC, address_topic(sender), address_topic(recipient)),
        data=units.to_bytes(32, "big"),
        ordinal=ordinal,
        tx_hash="0x1",
        block_number=1,
        block_hash="0x2",
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from([WETH.address, USDC.address]),
            st.sampled_from([HOT, EXECUTOR, POOL]),
            st.sampled_from([HOT, EXECUTOR, POOL]),
            st.integers(0, 2**128),
        )
    )
)
def test_delivered_and_spent_are_the_sums_of_the_receipts_transfers(
    moves: list[tuple[str, str, str, int]],
) -> None:
    receipt = Receipt(
        tx_hash="0x1",
        block_number=1,
        block_hash="0x2",
        status=True,
        gas_used=1,
        gas_cost_wei=1,
        logs=tuple(transfer(*move, at) for at, move in enumerate(moves)),
    )
    for token in (WETH.address, USDC.address):
        received = sum(n for t, _, to, n in moves if (t, to) == (token, HOT))
        paid = sum(n for t, by, _, n in moves if (t, by) == (token, HOT))
        assert ENCODER.delivered(receipt, HOT).get(token.lower(), 0) == received
        assert ENCODER.spent(receipt, HOT).get(token.lower(), 0) == paid


def test_a_transfer_of_a_collectible_is_not_counted() -> None:
    log = transfer(USDC.address, POOL, HOT, 5, 0)
    collectible = Log(
        address=log.address,
        topics=(*log.topics, "0x" + "00" * 32),
        data=b"",
        ordinal=0,
        tx_hash="0x1",
        block_number=1,
        block_hash="0x2",
    )
    receipt = Receipt(
        tx_hash="0x1",
        block_number=1,
        block_hash="0x2",
        status=True,
        gas_used=1,
        gas_cost_wei=1,
        logs=(collectible,),
    )
    assert ENCODER.delivered(receipt, HOT) == {}


ETH = Asset(symbol="ETH", decimals=18, chain_id=CHAIN, address=NATIVE_ADDRESS)
DAI = Asset(symbol="DAI", decimals=18, chain_id=CHAIN, address="0x" + "44" * 20)
POOL_ID = "0x" + "5a" * 32


def pool_of(protocol: Protocol, **changes: Any) -> PoolRef:
    terms: dict[str, Any] = {"token0": WETH, "token1": USDC, "fee_ppm": 3000, **changes}
    return PoolRef(protocol=protocol, address=POOL, **terms)


def step_of(pool: PoolRef, **changes: Any) -> tuple[Any, ...]:
    """Return the one step of a plan over the pool."""
    traded = replace(leg(pool.protocol), venue_id=pool.venue_id, **changes)
    request = ExecutorEncoder(EXECUTOR, pools=[pool]).encode(
        plan_id=b"\1" * 32,
        legs=[traded],
        amount_in_units=5,
        minimums=[(traded.asset_out, 1)],
        permit_nonce=1,
        deadline_s=1,
        signer=signer(),
        chain_id=CHAIN,
    )
    plan, _ = load_contract("RouteExecutor").functions["execute"].decode_input(request.data)
    step: tuple[Any, ...] = plan[5][0]
    return step


def test_a_v4_step_names_the_key_of_the_pool_in_its_manager() -> None:
    pool = pool_of(Protocol.UNISWAP_V4, pool_id=POOL_ID, tick_spacing=60)
    detail = (60).to_bytes(32, "big")
    assert step_of(pool) == (2, POOL, WETH.address, USDC.address, 3000, 5, detail)


def test_a_balancer_step_names_the_pool_by_its_id_in_the_vault() -> None:
    pool = pool_of(Protocol.BALANCER, pool_id=POOL_ID)
    assert step_of(pool) == (4, POOL, WETH.address, USDC.address, 0, 5, b"\x5a" * 32)


@pytest.mark.parametrize(("variant", "flag"), [("plain", 0), ("ng", 0), ("crypto", 1)])
def test_a_curve_step_names_the_coins_by_their_places(variant: str, flag: int) -> None:
    pool = pool_of(Protocol.CURVE, token0=USDC, token1=DAI, further_tokens=(WETH,), variant=variant)
    detail = (2 | 0 << 8 | flag << 16).to_bytes(32, "big")
    assert step_of(pool) == (3, POOL, WETH.address, USDC.address, 0, 5, detail)


@pytest.mark.parametrize("protocol", [Protocol.UNISWAP_V4, Protocol.CURVE])
def test_the_coin_itself_is_not_swapped(protocol: Protocol) -> None:
    pool = pool_of(protocol, token0=ETH, pool_id=POOL_ID)
    with pytest.raises(ValueError, match="the coin itself"):
        step_of(pool, asset_in=ETH)


@pytest.mark.parametrize("protocol", [Protocol.UNISWAP_V4, Protocol.CURVE, Protocol.BALANCER])
def test_a_pool_that_the_encoder_was_not_told_of_has_no_step(protocol: Protocol) -> None:
    with pytest.raises(ValueError, match="not a pool known here"):
        encode(legs=[leg(protocol)])
