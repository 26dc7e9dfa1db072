"""Send transactions while the devnet is built: one at a time, each awaited and checked.

Pipelined sends make Anvil's automine stall or mine at random; one awaited transaction per block
gives the same blocks, and so the same head hash, every time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from connectors.chain.abi import Contract
from connectors.chain.rpc import JsonRpc, RpcError, from_hex, to_hex, to_quantity
from router.devnet.progress import Progress
from router.domain.assets import Asset
from router.domain.errors import FailureError

CREATE2_FACTORY: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
_SALT_ZERO: Final = bytes(32)
_GAS_LIMIT: Final = 16_000_000
_MAX_FEE_WEI: Final = 3 * 10**9
_MAX_TIP_WEI: Final = 10**9
_RECEIPT_POLL_S: Final = 0.002
_RECEIPT_TIMEOUT_S: Final = 30.0
_IMPERSONATED_WEI: Final = 100 * 10**18


def create2_address(init_code: bytes) -> str:
    """Return where `init_code` lands through the CREATE2 factory with salt 0."""
    preimage = b"\xff" + from_hex(CREATE2_FACTORY.lower()) + _SALT_ZERO + keccak(init_code)
    return to_checksum_address(keccak(preimage)[12:])


def in_contract_order(assets: Iterable[Asset]) -> list[Asset]:
    """Return tokens as all pool contracts order them: by address."""
    return sorted(assets, key=lambda asset: int(asset.address, 16))


class BuildChain:
    """The chain under construction; accounts are the node's own or impersonated."""

    def __init__(self, rpc: JsonRpc, progress: Progress, expected_sends: int) -> None:
        self.rpc = rpc
        self._progress = progress
        self._expected_sends = expected_sends
        self.sends = 0

    async def send(self, sender: str, to: str | None, data: bytes, value_wei: int = 0) -> Any:  # noqa: ANN401
        """Send one transaction and return its receipt.

        Raises:
            FailureError: DEVNET_START_FAILED, it reverted or was not mined.
        """
        request = {
            "from": sender,
            "data": to_hex(data),
            "value": to_quantity(value_wei),
            "gas": to_quantity(_GAS_LIMIT),
            # Left to itself, a busy node offers what followed from one of its earlier blocks.
            "maxFeePerGas": to_quantity(_MAX_FEE_WEI),
            "maxPriorityFeePerGas": to_quantity(_MAX_TIP_WEI),
        }
        if to is not None:
            request["to"] = to
        tx_hash = await self.rpc.call("eth_sendTransaction", [request])
        receipt = await self._receipt(tx_hash)
        self.sends += 1
        self._progress("building the devnet", self.sends, self._expected_sends)
        if receipt["status"] != "0x1":
            raise FailureError(
                "DEVNET_START_FAILED",
                f"Building the devnet failed at step {self.sends}: {await self._reason(request)}.",
            )
        return receipt

    async def _receipt(self, tx_hash: str) -> Any:  # noqa: ANN401 - a JSON object
        try:
            async with asyncio.timeout(_RECEIPT_TIMEOUT_S):
                while True:
                    receipt = await self.rpc.call("eth_getTransactionReceipt", [tx_hash])
                    if receipt is not None:
                        return receipt
                    await asyncio.sleep(_RECEIPT_POLL_S)
        except TimeoutError as error:
            raise FailureError(
                "DEVNET_START_FAILED", "Anvil stopped mining while the devnet was built."
            ) from error

    async def _reason(self, request: dict[str, str]) -> str:
        try:
            await self.rpc.call("eth_call", [request, "latest"])
        except RpcError as error:
            return error.rpc_message
        return "it reverted, but not when tried again"

    async def call(self, to: str, contract: Contract, function: str, *values: object) -> Any:  # noqa: ANN401
        """Return the decoded outputs of a view function."""
        declared = contract.functions[function]
        data = to_hex(declared.encode_call(*values))
        returned = await self.rpc.call("eth_call", [{"to": to, "data": data}, "latest"])
        return declared.decode_output(from_hex(returned))

    async def deploy_as(self, deployer: str, nonce: int, init_code: bytes, expected: str) -> str:
        """Deploy from the account that deployed it on mainnet, at that account's nonce of then.

        Raises:
            FailureError: DEVNET_START_FAILED, it did not land at `expected`.
        """
        await self.rpc.batch([("anvil_setNonce", [deployer, to_quantity(nonce)])])
        await self._impersonate(deployer)
        receipt = await self.send(deployer, None, init_code)
        await self.rpc.call("anvil_stopImpersonatingAccount", [deployer])
        landed = to_checksum_address(receipt["contractAddress"])
        if landed != expected:
            raise FailureError("DEVNET_START_FAILED", f"{landed} was to be {expected}.")
        return landed

    async def send_as(self, impersonated: str, to: str, data: bytes) -> None:
        """Send from an account whose key nobody here has."""
        await self._impersonate(impersonated)
        await self.send(impersonated, to, data)
        await self.rpc.call("anvil_stopImpersonatingAccount", [impersonated])

    async def _impersonate(self, account: str) -> None:
        await self.rpc.call("anvil_impersonateAccount", [account])
        await self.rpc.call("anvil_setBalance", [account, to_quantity(_IMPERSONATED_WEI)])

    async def deploy_create2(self, sender: str, init_code: bytes) -> str:
        """Deploy through the CREATE2 factory with salt 0 and return the address."""
        address = create2_address(init_code)
        await self.send(sender, CREATE2_FACTORY, _SALT_ZERO + init_code)
        await self.require_code([address])
        return address

    async def require_code(self, addresses: Sequence[str]) -> None:
        """Check that each address holds code.

        Raises:
            FailureError: DEVNET_START_FAILED.
        """
        codes = await self.rpc.batch([("eth_getCode", [a, "latest"]) for a in addresses])
        for address, code in zip(addresses, codes, strict=True):
            if code == "0x":
                raise FailureError("DEVNET_START_FAILED", f"There is no code at {address}.")
