"""The signer's policy: what it signs is what was asked, and everything else it refuses."""

from collections.abc import Callable

import pytest
import rlp
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from connectors.chain.abi import AbiFunction, load_contract
from connectors.chain.erc20 import APPROVE, TRANSFER
from connectors.chain.executor import PERMIT2_ADDRESS
from connectors.chain.keystore import HotKey
from connectors.chain.policy import SignerPolicy
from connectors.chain.signer import PUBLIC_TEST_ADDRESSES, LocalSigner
from router.domain.assets import NATIVE_ADDRESS
from router.domain.errors import FailureError
from router.domain.settlement import PlanPermit, TxRequest

CHAIN = 31337
KEY = HotKey(bytes(range(1, 33)))


def address(number: int) -> str:
    return to_checksum_address(number.to_bytes(20, "big"))


EXECUTOR = address(0xE0E0E0E0)
TOKEN = address(0x70CE1170CE11)
OTHER_TOKEN = address(0x70CE1270CE12)
COLD = address(0xC01DC01DC01D)
STRANGER = address(0x57A57A57A57A)
POOL = address(0x900190019001)
CAP = 1_000
EXECUTE = load_contract("RouteExecutor").functions["execute"]
POLICY = SignerPolicy(
    chain_id=CHAIN,
    executor=EXECUTOR,
    permit2=PERMIT2_ADDRESS,
    tokens=frozenset({TOKEN, OTHER_TOKEN}),
    max_gas_cost_wei=10**17,
    cold_wallet=COLD,
    pools=frozenset({POOL}),
    transfer_caps={TOKEN: CAP, NATIVE_ADDRESS: CAP},
)
SIGNER = LocalSigner(KEY, POLICY)
FEES = {"chain_id": CHAIN, "nonce": 7, "max_fee_wei": 10**10, "max_tip_wei": 10**9}


def request(
    to: str, call_data: bytes = b"", *, value_wei: int = 0, gas_limit: int = 100_000
) -> TxRequest:
    return TxRequest(to=to, data=call_data, value_wei=value_wei, gas_limit=gas_limit)


def execute_data(
    *,
    token_in: str = TOKEN,
    amount_in: int = 5,
    steps: int = 1,
    pool: str = POOL,
    outputs: tuple[tuple[str, int], ...] = ((OTHER_TOKEN, 1),),
    signature: bytes = b"\1" * 65,
) -> bytes:
    step = (0, pool, token_in, OTHER_TOKEN, 3000, 5, bytes(32))
    plan = (b"\1" * 32, token_in, amount_in, 1, 2, [step] * steps, list(outputs))
    return EXECUTE.encode_call(plan, signature)


def permit(
    *, token: str = TOKEN, spender: str = EXECUTOR, amount: int = 5, plan_hash: bytes = b"\2" * 32
) -> PlanPermit:
    return PlanPermit(
        token=token,
        amount=amount,
        spender=spender,
        nonce=2**255 + 1,
        deadline_s=1_900_000_000,
        plan_hash=plan_hash,
    )


ALLOWED = {
    "execute": request(EXECUTOR, execute_data()),
    "approve the permit contract": request(TOKEN, APPROVE.encode_call(PERMIT2_ADDRESS, 2**256 - 1)),
    "revoke the permit contract": request(TOKEN, APPROVE.encode_call(PERMIT2_ADDRESS, 0)),
    "withdraw up to the cap": request(TOKEN, TRANSFER.encode_call(STRANGER, CAP)),
    "withdraw an uncapped token": request(OTHER_TOKEN, TRANSFER.encode_call(STRANGER, 2**200)),
    "sweep to cold above the cap": request(TOKEN, TRANSFER.encode_call(COLD, CAP + 1)),
    "coins up to the cap": request(STRANGER, value_wei=CAP),
    "coins to cold above the cap": request(COLD, value_wei=CAP + 1),
    "cancel by a no-op": request(KEY.address, gas_limit=21_000),
}
REFUSED = {
    "another contract": request(STRANGER, b"\1\2\3\4"),
    "deployment-like data": request(address(0), b"\1\2\3\4"),
    "approve a stranger": request(TOKEN, APPROVE.encode_call(STRANGER, 1)),
    "approve the executor": request(TOKEN, APPROVE.encode_call(EXECUTOR, 1)),
    "transferFrom": request(
        TOKEN,
        AbiFunction.declare("transferFrom", ["address", "address", "uint256"]).encode_call(
            KEY.address, STRANGER, 1
        ),
    ),
    "permit of a token": request(TOKEN, b"\xd5\x05\xac\xcf" + bytes(32 * 7)),
    "token call too short": request(TOKEN, TRANSFER.encode_call(STRANGER, 1)[:-1]),
    "token call with a tail": request(TOKEN, TRANSFER.encode_call(STRANGER, 1) + b"\0"),
    "dirty address word": request(
        TOKEN, TRANSFER.selector + b"\1" + TRANSFER.encode_call(STRANGER, 1)[5:]
    ),
    "selector only": request(TOKEN, TRANSFER.selector),
    "transfer of nothing": request(TOKEN, TRANSFER.encode_call(STRANGER, 0)),
    "transfer above the cap": request(TOKEN, TRANSFER.encode_call(STRANGER, CAP + 1)),
    "transfer to the zero address": request(TOKEN, TRANSFER.encode_call(address(0), 1)),
    "transfer to a precompile": request(TOKEN, TRANSFER.encode_call(address(9), 1)),
    "transfer to the token itself": request(TOKEN, TRANSFER.encode_call(TOKEN, 1)),
    "transfer to the executor": request(TOKEN, TRANSFER.encode_call(EXECUTOR, 1)),
    "coins above the cap": request(STRANGER, value_wei=CAP + 1),
    "coins to the executor": request(EXECUTOR, value_wei=1),
    "coins to the zero address": request(address(0), value_wei=1),
    "no coins to a stranger": request(STRANGER),
    "coins with a call": request(TOKEN, TRANSFER.encode_call(STRANGER, 1), value_wei=1),
    "coins with execute": request(EXECUTOR, execute_data(), value_wei=1),
    "another function of the executor": request(EXECUTOR, b"\xab\xcd\xef\1"),
    "execute with a tail": request(EXECUTOR, execute_data() + bytes(32)),
    "execute in a pool of a stranger": request(EXECUTOR, execute_data(pool=STRANGER)),
    "execute without outputs": request(EXECUTOR, execute_data(outputs=())),
    "execute without steps": request(EXECUTOR, execute_data(steps=0)),
    "execute without a minimum": request(EXECUTOR, execute_data(outputs=((OTHER_TOKEN, 0),))),
    "execute of nothing": request(EXECUTOR, execute_data(amount_in=0)),
    "execute unsigned": request(EXECUTOR, execute_data(signature=b"")),
    "execute from an unlisted token": request(EXECUTOR, execute_data(token_in=STRANGER)),
    "execute to an unlisted token": request(EXECUTOR, execute_data(outputs=((STRANGER, 1),))),
    "gas cost above the cap": request(TOKEN, TRANSFER.encode_call(COLD, 1), gas_limit=10**7 + 1),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_a_rule_allows_is_signed_as_asked_and_by_the_key(name: str) -> None:
    asked = ALLOWED[name]
    tx_hash, raw = SIGNER.sign_transaction(asked, **FEES)
    assert Account.recover_transaction(raw) == KEY.address
    assert tx_hash == "0x" + keccak(raw).hex()
    fields = rlp.decode(raw[1:])
    assert raw[0] == 2
    assert [int.from_bytes(fields[i], "big") for i in (0, 1, 2, 3, 4)] == [
        CHAIN,
        7,
        10**9,
        10**10,
        asked.gas_limit,
    ]
    assert fields[5] == bytes.fromhex(asked.to[2:])
    assert int.from_bytes(fields[6], "big") == asked.value_wei
    assert fields[7:9] == [asked.data, []]


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_rule_allows_is_refused(name: str) -> None:
    with pytest.raises(FailureError) as caught:
        SIGNER.sign_transaction(REFUSED[name], **FEES)
    assert caught.value.code == "SIGNER_REFUSED"


@given(st.binary(max_size=300), st.sampled_from([EXECUTOR, TOKEN, STRANGER]))
def test_no_random_call_is_ever_signed(call_data: bytes, to: str) -> None:
    with pytest.raises(FailureError):
        SIGNER.sign_transaction(request(to, call_data), **FEES)


@given(st.integers(0, 2**160 - 1), st.integers(1, 2 * CAP) | st.integers(1, 2**256 - 1))
def test_a_transfer_is_signed_exactly_up_to_the_cap(recipient: int, units: int) -> None:
    to = address(recipient % 2**160)
    asked = request(TOKEN, TRANSFER.encode_call(to, units))
    if units <= CAP and recipient % 2**160 > 0xFFFF:
        SIGNER.sign_transaction(asked, **FEES)
        return
    with pytest.raises(FailureError) as caught:
        SIGNER.sign_transaction(asked, **FEES)
    assert caught.value.code == "SIGNER_REFUSED"


def test_signing_again_gives_the_same_bytes() -> None:
    assert SIGNER.sign_transaction(ALLOWED["execute"], **FEES) == SIGNER.sign_transaction(
        ALLOWED["execute"], **FEES
    )


def test_a_tip_above_the_fee_is_refused() -> None:
    with pytest.raises(FailureError) as caught:
        SIGNER.sign_transaction(ALLOWED["execute"], **{**FEES, "max_tip_wei": 10**10 + 1})
    assert caught.value.code == "SIGNER_REFUSED"


@pytest.mark.parametrize(
    "act",
    [
        lambda s, chain: s.sign_transaction(ALLOWED["execute"], **{**FEES, "chain_id": chain}),
        lambda s, chain: s.sign_plan_permit(permit(), chain_id=chain),
    ],
    ids=["transaction", "permit"],
)
def test_the_chain_is_fixed_and_a_freeze_stops_everything(
    act: Callable[[LocalSigner, int], object],
) -> None:
    with pytest.raises(FailureError) as wrong_chain:
        act(SIGNER, 1)
    assert wrong_chain.value.code == "KEY_REFUSED"
    reasons: list[str | None] = ["unknown outflow of 5 WETH"]
    signer = LocalSigner(KEY, POLICY, is_frozen=lambda: reasons[0])
    with pytest.raises(FailureError) as frozen:
        act(signer, CHAIN)
    assert frozen.value.code == "SIGNER_FROZEN"
    assert "unknown outflow" in frozen.value.message
    reasons[0] = None
    assert act(signer, CHAIN)


def test_the_published_test_keys_are_refused_on_any_other_chain() -> None:
    Account.enable_unaudited_hdwallet_features()
    phrase = "test test test test test test test test test test test junk"
    for index in (0, 9, 19):
        account = Account.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{index}")
        key = HotKey(bytes(account.key))
        assert key.address in PUBLIC_TEST_ADDRESSES
        assert LocalSigner(key, POLICY).address == key.address
        with pytest.raises(FailureError) as caught:
            LocalSigner(key, policy_on(chain_id=1))
        assert caught.value.code == "KEY_REFUSED"
    assert LocalSigner(KEY, policy_on(chain_id=1)).address == KEY.address


def policy_on(chain_id: int) -> SignerPolicy:
    return SignerPolicy(
        chain_id=chain_id,
        executor=EXECUTOR,
        permit2=PERMIT2_ADDRESS,
        tokens=frozenset({TOKEN}),
        max_gas_cost_wei=1,
    )


def test_a_permit_is_signed_as_typed_data_of_the_permit_contract() -> None:
    asked = permit()
    signature = SIGNER.sign_plan_permit(asked, chain_id=CHAIN)
    full = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "PermitWitnessTransferFrom": [
                {"name": "permitted", "type": "TokenPermissions"},
                {"name": "spender", "type": "address"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
                {"name": "planHash", "type": "bytes32"},
            ],
            "TokenPermissions": [
                {"name": "token", "type": "address"},
                {"name": "amount", "type": "uint256"},
            ],
        },
        "primaryType": "PermitWitnessTransferFrom",
        "domain": {"name": "Permit2", "chainId": CHAIN, "verifyingContract": PERMIT2_ADDRESS},
        "message": {
            "permitted": {"token": asked.token, "amount": asked.amount},
            "spender": asked.spender,
            "nonce": asked.nonce,
            "deadline": asked.deadline_s,
            "planHash": asked.plan_hash,
        },
    }
    digest = encode_typed_data(full_message=full)
    assert len(signature) == 65
    assert Account.recover_message(digest, signature=signature) == KEY.address


@pytest.mark.parametrize(
    "asked",
    [
        permit(token=STRANGER),
        permit(spender=STRANGER),
        permit(amount=0),
        permit(plan_hash=b""),
        permit(plan_hash=bytes(32)),
    ],
    ids=["unlisted token", "another spender", "nothing", "no plan", "empty plan"],
)
def test_a_permit_outside_the_policy_is_refused(asked: PlanPermit) -> None:
    with pytest.raises(FailureError) as caught:
        SIGNER.sign_plan_permit(asked, chain_id=CHAIN)
    assert caught.value.code == "SIGNER_REFUSED"


def test_no_text_of_the_signer_shows_the_key_and_no_method_signs_a_digest() -> None:
    assert KEY.reveal().hex() not in repr(SIGNER) + str(SIGNER) + repr(vars(SIGNER))
    public = {name for name in dir(SIGNER) if not name.startswith("_")}
    assert public == {"address", "sign_transaction", "sign_plan_permit"}


def test_a_policy_with_a_mistyped_address_does_not_exist() -> None:
    with pytest.raises(ValueError, match="checksummed"):
        SignerPolicy(
            chain_id=CHAIN,
            executor=EXECUTOR.lower(),
            permit2=PERMIT2_ADDRESS,
            tokens=frozenset(),
            max_gas_cost_wei=1,
        )
