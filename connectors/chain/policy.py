"""What the hot key may sign, decided from the decoded transaction and nothing else.

A signer that signs whatever it is given is a way to steal: so each call is decoded here, again,
whoever built it, and what no rule allows is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eth_utils.address import is_checksum_address

from connectors.chain.abi import AbiError, AbiFunction, load_contract
from connectors.chain.erc20 import APPROVE, TRANSFER
from router.domain.assets import NATIVE_ADDRESS
from router.domain.errors import FailureError
from router.domain.settlement import PlanPermit, TxRequest
from router.domain.transfers import RESERVED_ADDRESS_MAX

ANVIL_CHAIN_ID: Final = 31337
SIGNATURE_BYTES: Final = 65


def refused(why: str) -> FailureError:
    return FailureError("SIGNER_REFUSED", f"The signer refuses: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerPolicy:
    """The rules of one hot key on one chain. Addresses are checksummed.

    Allowed are: the executor's `execute` for a plan over listed tokens with a minimum for every
    output; `approve` of the permit contract, any amount, on a listed token; `transfer` of a listed
    token and a plain coin transfer, to the cold wallet in any amount and to anybody else up to
    `transfer_caps` (base units per token address; NATIVE_ADDRESS for the coin; a token without a
    cap has none). A plan's steps go through `pools` only, None allowing any: in a pool of a thief
    every minimum is as low as he likes. A transfer of nothing to oneself is allowed: it cancels a
    stuck nonce.

    `max_gas_cost_wei` bounds max fee x gas limit of every transaction: a fee can steal too.
    """

    chain_id: int
    executor: str
    permit2: str
    tokens: frozenset[str]
    max_gas_cost_wei: int
    cold_wallet: str | None = None
    pools: frozenset[str] | None = None
    transfer_caps: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        addresses = [self.executor, self.permit2, *self.tokens, *self.transfer_caps]
        addresses += self.pools or ()
        addresses += [] if self.cold_wallet is None else [self.cold_wallet]
        wrong = [a for a in addresses if a != NATIVE_ADDRESS and not is_checksum_address(a)]
        if wrong:
            raise ValueError(f"not checksummed addresses: {wrong}")
        assert self.chain_id > 0, self.chain_id
        assert self.max_gas_cost_wei > 0, self.max_gas_cost_wei

    def check_transaction(
        self, request: TxRequest, *, sender: str, max_fee_wei: int, max_tip_wei: int
    ) -> None:
        """Accept the transaction or raise.

        Raises:
            FailureError: SIGNER_REFUSED, naming the rule that was broken.
        """
        if not 0 <= max_tip_wei <= max_fee_wei:
            raise refused(f"a tip of {max_tip_wei} wei exceeds the fee of {max_fee_wei} wei")
        cost = max_fee_wei * request.gas_limit
        if cost > self.max_gas_cost_wei:
            raise refused(f"a gas cost of {cost} wei exceeds {self.max_gas_cost_wei} wei")
        to = request.to.lower()
        if not request.data:
            self._check_coin_transfer(to, request.value_wei, sender.lower())
        elif request.value_wei:
            raise refused("a contract call carries coins")
        elif to == self.executor.lower():
            self._check_execute(request.data)
        elif to in self._listed:
            self._check_token_call(to, request.data)
        else:
            raise refused(f"{request.to} is neither the executor nor a listed token")

    def check_permit(self, permit: PlanPermit) -> None:
        """Accept the permit or raise.

        Raises:
            FailureError: SIGNER_REFUSED, naming the rule that was broken.
        """
        if permit.spender.lower() != self.executor.lower():
            raise refused(f"a permit names {permit.spender}, which is not the executor")
        if permit.token.lower() not in self._listed:
            raise refused(f"a permit is for {permit.token}, which is not listed")
        if permit.amount <= 0:
            raise refused("a permit is for nothing")
        if len(permit.plan_hash) != 32 or not any(permit.plan_hash):
            raise refused("a permit names no plan")

    @property
    def _listed(self) -> frozenset[str]:
        return frozenset(token.lower() for token in self.tokens)

    def _check_coin_transfer(self, to: str, value_wei: int, sender: str) -> None:
        if to == sender and value_wei == 0:
            return
        if value_wei <= 0:
            raise refused("a coin transfer moves nothing")
        self._check_recipient(to)
        self._check_cap(NATIVE_ADDRESS.lower(), to, value_wei)

    def _check_token_call(self, token: str, call_data: bytes) -> None:
        if call_data.startswith(APPROVE.selector):
            spender, _ = _arguments(APPROVE, call_data)
            if spender != self.permit2.lower():
                raise refused(f"an approval for {spender}, which is not the permit contract")
        elif call_data.startswith(TRANSFER.selector):
            recipient, amount = _arguments(TRANSFER, call_data)
            if amount <= 0:
                raise refused("a token transfer moves nothing")
            self._check_recipient(recipient)
            self._check_cap(token, recipient, amount)
        else:
            raise refused(f"a token call with the selector 0x{call_data[:4].hex()}")

    def _check_recipient(self, recipient: str) -> None:
        """Refuse what can only be a mistake; destinations themselves are settlement's to choose."""
        if int(recipient, 16) <= RESERVED_ADDRESS_MAX:
            raise refused(f"a transfer to the reserved address {recipient}")
        if recipient in self._listed | {self.executor.lower(), self.permit2.lower()}:
            raise refused(f"a transfer to the contract {recipient}, where it would be lost")

    def _check_cap(self, token: str, recipient: str, amount: int) -> None:
        if self.cold_wallet is not None and recipient == self.cold_wallet.lower():
            return
        caps = {address.lower(): cap for address, cap in self.transfer_caps.items()}
        cap = caps.get(token)
        if cap is not None and amount > cap:
            raise refused(f"a transfer of {amount} units of {token} exceeds its cap of {cap}")

    def _check_execute(self, call_data: bytes) -> None:
        execute = load_contract("RouteExecutor").functions["execute"]
        plan, signature = _arguments(execute, call_data)
        _, token_in, amount_in, _, _, steps, outputs = plan
        unlisted = {token_in, *(token for token, _ in outputs)} - self._listed
        if unlisted:
            raise refused(f"a plan moves {sorted(unlisted)}, which are not listed")
        if self.pools is not None:
            known = {pool.lower() for pool in self.pools}
            strange = sorted({step[1] for step in steps} - known)
            if strange:
                raise refused(f"a plan swaps in {strange}, which are not listed pools")
        if amount_in <= 0 or not steps or not outputs:
            raise refused("a plan is empty")
        if any(minimum <= 0 for _, minimum in outputs):
            raise refused("a plan has an output without a minimum")
        if len(signature) != SIGNATURE_BYTES:
            raise refused("a plan is not signed")


def _arguments(function: AbiFunction, call_data: bytes) -> tuple[Any, ...]:
    """Decode strictly: bytes that would be read in another way elsewhere are refused."""
    try:
        arguments = function.decode_input(call_data)
        canonical = function.encode_call(*arguments)
    except AbiError as error:
        raise refused(f"a call that is not a well-formed {function.name}") from error
    if canonical != call_data:
        raise refused(f"a call of {function.name} with hidden bytes")
    return arguments
