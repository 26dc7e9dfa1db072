"""A blocking client of the test node: deploy, call, send, and read reverts by name.

Hypothesis drives synchronous tests, so this is a few lines over the standard library instead of
the program's asynchronous client. Each transaction is mined by hand, in a block of its own, before
the call returns: a node that mines by itself may add the block a moment later.
"""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.chain.abi import AbiEvent, AbiFunction, Contract, contract_from_artifact

TEST_ARTIFACTS = Path(__file__).parents[3] / "contracts" / "test" / "artifacts"
GAS_LIMIT = 10_000_000
BALANCE_OF = AbiFunction.declare("balanceOf", ("address",), ("uint256",))


class Reverted(Exception):
    """The EVM reverted; `reason` is the decoded error or the raw bytes as hex."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A transaction that succeeded; `events` are (emitter, topics, bytes)."""

    gas_used: int
    contract_address: str
    events: tuple[tuple[str, tuple[bytes, ...], bytes], ...]

    def of(self, emitter: str, event: AbiEvent) -> list[tuple[Any, ...]]:
        return [
            event.decode_log(topics, payload)
            for address, topics, payload in self.events
            if address == emitter and topics[0] == event.topic0
        ]


def load_test_contract(name: str) -> Contract:
    artifact = json.loads((TEST_ARTIFACTS / f"{name}.json").read_text(encoding="utf-8"))
    return contract_from_artifact(artifact)


class Evm:
    """One node that mines on demand only. It signs for the accounts it is told to adopt."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self.rpc("evm_setAutomine", False)

    def close(self) -> None:
        self.rpc("evm_setAutomine", True)
        self._connection.close()

    def _post(self, method: str, params: Sequence[object]) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer

    def rpc(self, method: str, *params: object) -> Any:
        answer = self._post(method, params)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def adopt(self, account: str) -> None:
        """Give an account coins and let the node sign for it."""
        self.rpc("anvil_setBalance", account, hex(10**22))
        self.rpc("anvil_impersonateAccount", account)

    def call_bytes(
        self,
        to: str | None,
        call_data: bytes,
        sender: str,
        overrides: dict[str, object] | None = None,
        gas: int = GAS_LIMIT,
    ) -> bytes:
        """Execute without a transaction.

        Raises:
            Reverted: with the raw revert bytes as hex.
        """
        request = {"from": sender, "data": "0x" + call_data.hex(), "gas": hex(gas)}
        if to is not None:
            request["to"] = to
        params: list[object] = [request, "latest"]
        if overrides is not None:
            params.append(overrides)
        answer = self._post("eth_call", params)
        if "error" in answer:
            error = answer["error"]
            assert "revert" in error["message"], error
            raise Reverted(error.get("data") or "0x")
        return bytes.fromhex(answer["result"][2:])

    def send_bytes(self, to: str | None, call_data: bytes, sender: str) -> Mined:
        """Mine one transaction that is known not to revert."""
        request = {"from": sender, "data": "0x" + call_data.hex(), "gas": hex(GAS_LIMIT)}
        if to is not None:
            request["to"] = to
        tx_hash = self.rpc("eth_sendTransaction", request)
        self.rpc("evm_mine")
        receipt = self.rpc("eth_getTransactionReceipt", tx_hash)
        assert int(receipt["status"], 16) == 1, "the transaction was expected to succeed"
        return Mined(
            gas_used=int(receipt["gasUsed"], 16),
            contract_address=receipt["contractAddress"] or "",
            events=tuple(
                (
                    log["address"],
                    tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]),
                    bytes.fromhex(log["data"][2:]),
                )
                for log in receipt["logs"]
            ),
        )

    def deploy(self, contract: Contract, sender: str, *values: object) -> "Deployed":
        """Deploy and return the contract at its address.

        Raises:
            Reverted: the constructor reverted.
        """
        init_code = contract.encode_deploy(*values)
        try:
            self.call_bytes(None, init_code, sender)
        except Reverted as reverted:
            raise named(contract, reverted) from None
        mined = self.send_bytes(None, init_code, sender)
        return Deployed(evm=self, contract=contract, address=mined.contract_address, sender=sender)

    def balance(self, token: str, account: str) -> int:
        answer = self.call_bytes(token, BALANCE_OF.encode_call(account), account)
        return int.from_bytes(answer, "big")

    def timestamp(self) -> int:
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance_s(self, seconds: int) -> None:
        """Let the next block be `seconds` later than the latest."""
        self.rpc("evm_setNextBlockTimestamp", self.timestamp() + seconds)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Undo everything that happened inside the block."""
        snapshot = self.rpc("evm_snapshot")
        try:
            yield
        finally:
            assert self.rpc("evm_revert", snapshot)


def named(contract: Contract, reverted: Reverted) -> Reverted:
    error = contract.decode_error(bytes.fromhex(reverted.reason[2:]))
    return Reverted(str(error)) if error is not None else reverted


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A contract at an address, with the account that calls it unless another is named."""

    evm: Evm
    contract: Contract
    address: str
    sender: str

    def call(self, function: str, *values: object, sender: str | None = None) -> tuple[Any, ...]:
        """Execute without a transaction and return the outputs.

        Raises:
            Reverted: with the error by name where the contract declares it.
        """
        target = self.contract.functions[function]
        try:
            answer = self.evm.call_bytes(
                self.address, target.encode_call(*values), sender or self.sender
            )
        except Reverted as reverted:
            raise named(self.contract, reverted) from None
        return target.decode_output(answer)

    def send(self, function: str, *values: object, sender: str | None = None) -> Mined:
        """Mine one transaction.

        Raises:
            Reverted: the same call without a transaction reverted; nothing was sent.
        """
        self.call(function, *values, sender=sender)
        call_data = self.contract.functions[function].encode_call(*values)
        return self.evm.send_bytes(self.address, call_data, sender or self.sender)

    def balance_of(self, account: str) -> int:
        return self.evm.balance(self.address, account)
