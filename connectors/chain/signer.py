"""The signer: one key, one chain, one policy. There is no way to sign a raw digest."""

from collections.abc import Callable
from typing import Any, Final

from eth_account import Account
from eth_utils.address import to_checksum_address

from connectors.chain.keystore import HotKey
from connectors.chain.policy import ANVIL_CHAIN_ID, SignerPolicy
from router.domain.errors import FailureError
from router.domain.settlement import PlanPermit, TxRequest

TYPE_EIP1559: Final = 2
# The accounts of the mnemonic that Anvil and Hardhat print at every start.
PUBLIC_TEST_ADDRESSES: Final = frozenset(
    {
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
        "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
        "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
        "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
        "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
        "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
        "0xBcd4042DE499D14e55001CcbB24a551F3b954096",
        "0x71bE63f3384f5fb98995898A86B02Fb2426c5788",
        "0xFABB0ac9d68B0B445fB7357272Ff202C5651694a",
        "0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec",
        "0xdF3e18d64BC6A983f673Ab319CCaE4f1a57C7097",
        "0xcd3B766CCDd6AE721141F452C550Ca635964ce71",
        "0x2546BcD3c84621e976D8185a91A922aE77ECEc30",
        "0xbDA5747bFD65F08deb54cb465eB87D40e51B197E",
        "0xdD2FD4581271e230360230F9337D5c0430Bf44C0",
        "0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199",
    }
)
PERMIT_TYPES: Final[dict[str, list[dict[str, str]]]] = {
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
}


def _never_frozen() -> str | None:
    return None


class LocalSigner:
    """Port `Signer` with the key in this process."""

    def __init__(
        self,
        key: HotKey,
        policy: SignerPolicy,
        *,
        is_frozen: Callable[[], str | None] = _never_frozen,
    ) -> None:
        """Bind a key to a policy.

        Args:
            is_frozen: returns the reason of a freeze, None when there is none; asked each time.

        Raises:
            FailureError: KEY_REFUSED, a published test key on a chain where money is real.
        """
        if key.address in PUBLIC_TEST_ADDRESSES and policy.chain_id != ANVIL_CHAIN_ID:
            raise FailureError(
                "KEY_REFUSED",
                f"{key.address} is a published test key and must not be used on chain "
                f"{policy.chain_id}.",
            )
        self._key = key
        self._policy = policy
        self._is_frozen = is_frozen

    @property
    def address(self) -> str:
        return self._key.address

    def __repr__(self) -> str:
        return f"LocalSigner({self.address} on chain {self._policy.chain_id})"

    def sign_transaction(
        self, request: TxRequest, *, chain_id: int, nonce: int, max_fee_wei: int, max_tip_wei: int
    ) -> tuple[str, bytes]:
        """Return (transaction hash, raw bytes) of an EIP-1559 transaction; the same each time.

        Raises:
            FailureError: SIGNER_FROZEN, SIGNER_REFUSED, or KEY_REFUSED for another chain.
        """
        self._require_usable(chain_id)
        self._policy.check_transaction(
            request, sender=self.address, max_fee_wei=max_fee_wei, max_tip_wei=max_tip_wei
        )
        fields: dict[str, Any] = {
            "type": TYPE_EIP1559,
            "chainId": chain_id,
            "nonce": nonce,
            "to": to_checksum_address(request.to),
            "value": request.value_wei,
            "data": request.data,
            "gas": request.gas_limit,
            "maxFeePerGas": max_fee_wei,
            "maxPriorityFeePerGas": max_tip_wei,
        }
        signed = Account.sign_transaction(fields, self._key.reveal())
        # eth-account renamed the field in 0.13; both are in the supported range.
        raw = (
            signed.raw_transaction if hasattr(signed, "raw_transaction") else signed.rawTransaction
        )
        return "0x" + bytes(signed.hash).hex(), bytes(raw)

    def sign_plan_permit(self, permit: PlanPermit, *, chain_id: int) -> bytes:
        """Return the 65-byte EIP-712 signature that lets the executor pull one plan's input.

        Raises:
            FailureError: SIGNER_FROZEN, SIGNER_REFUSED, or KEY_REFUSED for another chain.
        """
        self._require_usable(chain_id)
        self._policy.check_permit(permit)
        domain = {
            "name": "Permit2",
            "chainId": chain_id,
            "verifyingContract": self._policy.permit2,
        }
        message = {
            "permitted": {
                "token": to_checksum_address(permit.token),
                "amount": permit.amount,
            },
            "spender": to_checksum_address(permit.spender),
            "nonce": permit.nonce,
            "deadline": permit.deadline_s,
            "planHash": permit.plan_hash,
        }
        signed = Account.sign_typed_data(
            self._key.reveal(),
            domain_data=domain,
            message_types=PERMIT_TYPES,
            message_data=message,
        )
        return bytes(signed.signature)

    def _require_usable(self, chain_id: int) -> None:
        if chain_id != self._policy.chain_id:
            raise FailureError(
                "KEY_REFUSED",
                f"This signer is for chain {self._policy.chain_id}, not for chain {chain_id}.",
            )
        reason = self._is_frozen()
        if reason is not None:
            raise FailureError("SIGNER_FROZEN", f"The signer is frozen: {reason}.")
