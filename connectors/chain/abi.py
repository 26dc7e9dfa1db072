"""Encode and decode contract calls, events and errors, and load our compiled contracts.

Values follow eth-abi: integers are `int`, addresses are `0x` strings (checksummed going in or
not, lower case coming out), `bytes` are `bytes`, structs are tuples, arrays are sequences.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError, ParseError
from eth_utils.crypto import keccak

_SELECTOR_BYTES: Final = 4
_BUILTIN_ERRORS: Final = (("Error", ("string",)), ("Panic", ("uint256",)))


class AbiError(ValueError):
    """Values or bytes do not have the shape of the declared types."""


def _encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    if len(types) != len(values):
        raise AbiError(f"expected {len(types)} values, got {len(values)}")
    try:
        return encode(types, values)
    except (EncodingError, ParseError, OverflowError) as error:
        raise AbiError(str(error)) from error


def _decode(types: Sequence[str], payload: bytes) -> tuple[Any, ...]:
    try:
        return tuple(decode(types, payload))
    except (DecodingError, ParseError, OverflowError, UnicodeDecodeError) as error:
        raise AbiError(str(error)) from error


def _signature_hash(name: str, types: Sequence[str]) -> bytes:
    return keccak(text=f"{name}({','.join(types)})")


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiFunction:
    """A function of a contract: `selector` is the first four bytes of its signature's hash."""

    name: str
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    selector: bytes

    @classmethod
    def declare(cls, name: str, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Self:
        """Return a function from canonical ABI types, such as `"(address,uint256)[]"`."""
        return cls(
            name=name,
            input_types=tuple(inputs),
            output_types=tuple(outputs),
            selector=_signature_hash(name, inputs)[:_SELECTOR_BYTES],
        )

    def encode_call(self, *values: object) -> bytes:
        """Return the call data: selector and arguments.

        Raises:
            AbiError: the values do not fit the input types.
        """
        return self.selector + _encode(self.input_types, values)

    def decode_input(self, call_data: bytes) -> tuple[Any, ...]:
        """Return the arguments of a call of this function.

        Raises:
            AbiError: the call data is of another function or malformed.
        """
        if not call_data.startswith(self.selector):
            raise AbiError(f"call data is not of {self.name}")
        return _decode(self.input_types, call_data[_SELECTOR_BYTES:])

    def decode_output(self, returned: bytes) -> tuple[Any, ...]:
        """Return the outputs as a tuple, also if there is one or none.

        Raises:
            AbiError: the bytes are not the output types; an address without code returns nothing.
        """
        return _decode(self.output_types, returned)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiEvent:
    """An event of a contract; `indexed[i]` says whether parameter i is in a topic."""

    name: str
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    topic0: bytes

    @classmethod
    def declare(cls, name: str, types: Sequence[str], indexed: Sequence[bool]) -> Self:
        """Return an event from canonical ABI types, in the order of its declaration."""
        assert len(types) == len(indexed), "every parameter is indexed or not"
        return cls(
            name=name,
            types=tuple(types),
            indexed=tuple(indexed),
            topic0=_signature_hash(name, types),
        )

    def decode_log(self, topics: Sequence[bytes], log_data: bytes) -> tuple[Any, ...]:
        """Return all parameters in the order of their declaration.

        An indexed parameter of dynamic type is the 32-byte hash that stands in its topic.

        Raises:
            AbiError: the log is of another event or malformed.
        """
        if len(topics) != 1 + sum(self.indexed) or topics[0] != self.topic0:
            raise AbiError(f"log is not of {self.name}")
        plain_types = [
            t for t, in_topic in zip(self.types, self.indexed, strict=True) if not in_topic
        ]
        plain = iter(_decode(plain_types, log_data))
        topic = iter(topics[1:])
        return tuple(
            _decode_topic(type_, next(topic)) if in_topic else next(plain)
            for type_, in_topic in zip(self.types, self.indexed, strict=True)
        )


def _decode_topic(type_: str, topic: bytes) -> object:
    if type_ in {"string", "bytes"} or type_.endswith((")", "]")):
        return topic
    return _decode((type_,), topic)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractError:
    """A decoded revert: its name and arguments, for people and for tests."""

    name: str
    arguments: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(str(argument) for argument in self.arguments)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One of our compiled contracts.

    `bytecode` is what a deployment sends before the encoded constructor arguments;
    `deployed_bytecode` is what a code override needs (immutable values are zero in it).
    """

    name: str
    bytecode: bytes
    deployed_bytecode: bytes
    constructor_types: tuple[str, ...]
    functions: Mapping[str, AbiFunction]
    events: Mapping[str, AbiEvent]
    errors: Mapping[bytes, AbiFunction]

    def encode_deploy(self, *values: object) -> bytes:
        """Return the init code of a deployment.

        Raises:
            AbiError: the values do not fit the constructor.
        """
        return self.bytecode + _encode(self.constructor_types, values)

    def decode_error(self, revert_data: bytes) -> ContractError | None:
        """Return the error of a revert, or None if it is not one this contract declares.

        `Error(string)` and `Panic(uint256)` of the language are known too.
        """
        error = self.errors.get(revert_data[:_SELECTOR_BYTES])
        if error is None:
            return None
        try:
            return ContractError(name=error.name, arguments=error.decode_input(revert_data))
        except AbiError:
            return None  # The bytes only look like ours: the caller shows them raw.


def _canonical_type(parameter: Mapping[str, Any]) -> str:
    declared: str = parameter["type"]
    if not declared.startswith("tuple"):
        return declared
    members = ",".join(_canonical_type(member) for member in parameter["components"])
    return f"({members}){declared.removeprefix('tuple')}"


def _types(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_canonical_type(parameter) for parameter in entry.get(key, ()))


def _function(entry: Mapping[str, Any]) -> AbiFunction:
    return AbiFunction.declare(entry["name"], _types(entry, "inputs"), _types(entry, "outputs"))


def _event(entry: Mapping[str, Any]) -> AbiEvent:
    indexed = [parameter["indexed"] for parameter in entry["inputs"]]
    return AbiEvent.declare(entry["name"], _types(entry, "inputs"), indexed)


def contract_from_artifact(artifact: Mapping[str, Any]) -> Contract:
    """Return the contract of one artifact of `scripts/build_contracts.py`.

    Of overloaded functions only the last is reachable by name; our contracts overload none.
    """
    abi = artifact["abi"]
    constructors = [_types(entry, "inputs") for entry in abi if entry["type"] == "constructor"]
    declared = [_function(entry) for entry in abi if entry["type"] == "error"]
    builtin = [AbiFunction.declare(name, types) for name, types in _BUILTIN_ERRORS]
    return Contract(
        name=artifact["contractName"],
        bytecode=bytes.fromhex(artifact["bytecode"].removeprefix("0x")),
        deployed_bytecode=bytes.fromhex(artifact["deployedBytecode"].removeprefix("0x")),
        constructor_types=constructors[0] if constructors else (),
        functions={e["name"]: _function(e) for e in abi if e["type"] == "function"},
        events={e["name"]: _event(e) for e in abi if e["type"] == "event"},
        errors={error.selector: error for error in (*builtin, *declared)},
    )


@cache
def load_contract(name: str) -> Contract:
    """Return one of the contracts that ship with this package, such as `"PoolReader"`.

    Raises:
        ValueError: there is no artifact of that name; a programmer's error.
    """
    resource = files("connectors.chain") / "artifacts" / f"{name}.json"
    if not resource.is_file():
        raise ValueError(f"no artifact of a contract named {name!r}")
    return contract_from_artifact(json.loads(resource.read_text(encoding="utf-8")))
