"""The ABI layer: known vectors of the specification, round trips, and hostile bytes."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from connectors.chain.abi import (
    AbiError,
    AbiEvent,
    AbiFunction,
    ContractError,
    load_contract,
)

ADDRESS = "0x" + "ab" * 20
TRANSFER = AbiFunction.declare("transfer", ("address", "uint256"), ("bool",))
TRANSFER_EVENT = AbiEvent.declare(
    "Transfer", ("address", "address", "uint256"), (True, True, False)
)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def test_selector_and_topic_are_the_published_ones_of_erc20() -> None:
    assert TRANSFER.selector.hex() == "a9059cbb"
    assert TRANSFER_EVENT.topic0.hex() == (
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    )


@given(amount=st.integers(0, 2**256 - 1), to=st.binary(min_size=20, max_size=20))
def test_call_data_round_trips(amount: int, to: bytes) -> None:
    address = "0x" + to.hex()
    assert TRANSFER.decode_input(TRANSFER.encode_call(address, amount)) == (address, amount)


@pytest.mark.parametrize(
    "values", [(ADDRESS,), (ADDRESS, -1), (ADDRESS, 2**256), ("0x12", 1), (ADDRESS, "1")]
)
def test_values_that_do_not_fit_are_refused(values: tuple[object, ...]) -> None:
    with pytest.raises(AbiError):
        TRANSFER.encode_call(*values)


@pytest.mark.parametrize("returned", [b"", b"\x01", word(2), word(1)[:-1]])
def test_malformed_answers_are_refused(returned: bytes) -> None:
    with pytest.raises(AbiError):
        TRANSFER.decode_output(returned)


@given(returned=st.binary(max_size=256))
def test_arbitrary_bytes_decode_or_raise_abi_error(returned: bytes) -> None:
    nested = AbiFunction.declare("f", (), ("(string,uint8[])[]", "bytes"))
    try:
        decoded = nested.decode_output(returned)
    except AbiError:
        return
    assert len(decoded) == 2


def test_call_data_of_another_function_is_refused() -> None:
    approve = AbiFunction.declare("approve", ("address", "uint256"))
    with pytest.raises(AbiError, match="not of transfer"):
        TRANSFER.decode_input(approve.encode_call(ADDRESS, 1))


def test_log_parameters_come_in_the_order_of_declaration() -> None:
    event = AbiEvent.declare(
        "E", ("uint256", "string", "int24", "bytes32", "bytes"), (False, True, True, True, False)
    )
    name_hash = keccak(text="name")
    topics = [event.topic0, name_hash, b"\xff" * 32, word(7)]
    plain = encode(("uint256", "bytes"), (9, b"raw"))
    assert event.decode_log(topics, plain) == (9, name_hash, -1, word(7), b"raw")


@pytest.mark.parametrize("topics", [[], [word(1)] * 3, [TRANSFER_EVENT.topic0, word(1)]])
def test_log_of_another_event_is_refused(topics: list[bytes]) -> None:
    with pytest.raises(AbiError):
        TRANSFER_EVENT.decode_log(topics, word(1))


def test_structs_of_an_artifact_become_canonical_tuple_types() -> None:
    read = load_contract("PoolReader").functions["readV2Many"]
    assert read.input_types == ("address[]",)
    assert read.output_types == ("uint256", "(address,address,address,uint112,uint112)[]")


def test_deployment_is_bytecode_then_constructor_arguments() -> None:
    token = load_contract("TestToken")
    init_code = token.encode_deploy("Test", "TST", 18, ADDRESS)
    assert init_code.startswith(token.bytecode)
    assert init_code[len(token.bytecode) :] == encode(
        ("string", "string", "uint8", "address"), ("Test", "TST", 18, ADDRESS)
    )


def test_reverts_are_named_with_their_numbers() -> None:
    token = load_contract("TestToken")
    selector = keccak(text="InsufficientBalance(address,uint256,uint256)")[:4]
    revert = selector + encode(("address", "uint256", "uint256"), (ADDRESS, 1, 2))
    error = token.decode_error(revert)
    assert error == ContractError(name="InsufficientBalance", arguments=(ADDRESS, 1, 2))
    assert str(error) == f"InsufficientBalance({ADDRESS}, 1, 2)"
    assert str(token.decode_error(bytes.fromhex("4e487b71") + word(17))) == "Panic(17)"


@pytest.mark.parametrize("revert", [b"", b"\x08", b"\xde\xad\xbe\xef", bytes.fromhex("4e487b71")])
def test_unknown_reverts_are_not_guessed(revert: bytes) -> None:
    assert load_contract("TestToken").decode_error(revert) is None


def test_a_contract_that_does_not_exist_is_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="NoSuchThing"):
        load_contract("NoSuchThing")
