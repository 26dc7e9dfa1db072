"""The devnet tokens have exactly the habits that the program must cope with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.chain.abi import load_contract
from tests.integration.contracts.evm import Reverted
from tests.integration.contracts.market import ALL, DEPLOYER, FUNDS, SINK, STRANGER, Market

SPENDER = "0x" + "5b" * 20


@pytest.mark.parametrize("name", ["A", "B", "C", "T", "F"])
def test_names_decimals_and_supply_are_as_deployed(market: Market, name: str) -> None:
    token = market.tokens[name]
    assert token.call("symbol") == (name,)
    assert token.call("decimals") == ({"A": 18, "B": 6, "C": 8, "T": 6, "F": 18}[name],)
    assert token.call("owner") == (DEPLOYER,)
    assert token.call("totalSupply") == (3 * FUNDS,)


@pytest.mark.parametrize("name", ["A", "T", "F"])
def test_only_the_owner_mints(market: Market, name: str) -> None:
    with pytest.raises(Reverted, match=f"NotOwner\\({STRANGER}\\)"):
        market.tokens[name].call("mint", STRANGER, 1, sender=STRANGER)


@pytest.mark.parametrize("name", ["A", "T", "F"])
def test_the_zero_address_receives_nothing(market: Market, name: str) -> None:
    zero = "0x" + "00" * 20
    with pytest.raises(Reverted, match="InvalidReceiver"):
        market.tokens[name].call("mint", zero, 1)
    with pytest.raises(Reverted, match="InvalidReceiver"):
        market.tokens[name].call("transfer", zero, 1, sender=STRANGER)


def test_the_plain_token_answers_true_and_the_tether_answers_nothing(market: Market) -> None:
    for function, values in (("transfer", (SINK, 1)), ("approve", (SPENDER, 1))):
        plain, tether = (
            market.evm.call_bytes(
                market.token(name),
                market.tokens[name].contract.functions[function].encode_call(*values),
                STRANGER,
            )
            for name in "AT"
        )
        assert plain == (1).to_bytes(32, "big")
        assert tether == b""


def test_the_tether_allowance_must_pass_through_zero(market: Market) -> None:
    token = market.tokens["T"]
    token.send("approve", SPENDER, 5, sender=STRANGER)
    with pytest.raises(Reverted) as caught:
        token.call("approve", SPENDER, 7, sender=STRANGER)
    assert caught.value.reason == f"AllowanceNotZero({STRANGER}, {SPENDER}, 5, 7)"
    token.send("approve", SPENDER, 0, sender=STRANGER)
    token.send("approve", SPENDER, 7, sender=STRANGER)
    assert token.call("allowance", STRANGER, SPENDER) == (7,)


@pytest.mark.parametrize("name", ["A", "T", "F"])
def test_an_allowance_is_consumed_and_the_largest_one_is_not(market: Market, name: str) -> None:
    token = market.tokens[name]
    market.evm.adopt(SPENDER)
    token.send("approve", SPENDER, 10, sender=STRANGER)
    token.send("transferFrom", STRANGER, SPENDER, 4, sender=SPENDER)
    assert token.call("allowance", STRANGER, SPENDER) == (6,)
    with pytest.raises(Reverted) as caught:
        token.call("transferFrom", STRANGER, SPENDER, 7, sender=SPENDER)
    assert caught.value.reason == f"InsufficientAllowance({STRANGER}, {SPENDER}, 6, 7)"
    token.send("approve", SPENDER, 0, sender=STRANGER)
    token.send("approve", SPENDER, ALL, sender=STRANGER)
    token.send("transferFrom", STRANGER, SPENDER, 4, sender=SPENDER)
    assert token.call("allowance", STRANGER, SPENDER) == (ALL,)


@pytest.mark.parametrize("name", ["A", "T"])
def test_more_than_the_balance_does_not_move(market: Market, name: str) -> None:
    token = market.tokens[name]
    with pytest.raises(Reverted) as caught:
        token.call("transfer", SINK, FUNDS + 1, sender=STRANGER)
    assert caught.value.reason == f"InsufficientBalance({STRANGER}, {FUNDS}, {FUNDS + 1})"


@settings(max_examples=25, deadline=None)
@given(amount=st.integers(0, FUNDS))
def test_the_taxed_token_splits_every_amount_without_loss(
    built_market: Market, amount: int
) -> None:
    token = built_market.tokens["F"]
    with built_market.evm.rolled_back():
        sink = token.balance_of(SINK)
        token.send("transfer", SPENDER, amount, sender=STRANGER)
        fee = amount * 100 // 10_000
        assert token.balance_of(SINK) - sink == fee
        assert token.balance_of(SPENDER) == amount - fee
        assert token.balance_of(STRANGER) == FUNDS - amount


def test_a_fee_above_everything_cannot_be_deployed(market: Market) -> None:
    arguments = ("Taxed", "X", 18, DEPLOYER, 10_001, SINK)
    with pytest.raises(Reverted, match=r"FeeOutOfRange\(10001\)"):
        market.evm.deploy(load_contract("FeeToken"), DEPLOYER, *arguments)
