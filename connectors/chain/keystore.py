"""Keys at rest: Ethereum keystore v3 files, and the key in memory that never shows itself.

A password comes from a file or an open file descriptor, never from the command line or the
environment, where every process of the machine could read it.
"""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from eth_account import Account
from eth_utils.exceptions import ValidationError

from router.domain.errors import FailureError

KEY_BYTES: Final = 32
# Memory-hard work of 2^18 is the format's own default: about a second per guess.
DEFAULT_SCRYPT_N: Final = 2**18
PASSWORD_BYTES_MAX: Final = 4096
_OWNER_ONLY: Final = 0o600
# eth-account types these two methods in some of the supported versions only.
_ACCOUNT: Final[Any] = Account


class HotKey:
    """A private key in memory. Printing, comparing or pickling it never gives the secret away."""

    __slots__ = ("_secret", "address")

    def __init__(self, secret: bytes) -> None:
        """Take over 32 bytes that are a valid private key.

        Raises:
            ValueError: the bytes are no private key of the curve.
        """
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a private key has {KEY_BYTES} bytes, got {len(secret)}")
        try:
            self.address: str = Account.from_key(secret).address
        except (ValueError, ValidationError) as error:
            raise ValueError("the bytes are no private key of the curve") from error
        self._secret = secret

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes] = secrets.token_bytes) -> Self:
        """Return a new key from the system's randomness."""
        return cls(entropy(KEY_BYTES))

    def reveal(self) -> bytes:
        """Return the secret, for signing and for writing a key file only."""
        return self._secret

    def __repr__(self) -> str:
        return f"HotKey({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def read_password_file(path: Path) -> str:
    """Return the password in a file, without the line end.

    Raises:
        FailureError: KEY_FILE_MISSING, there is no such file.
    """
    try:
        with path.open("rb") as file:
            return _password(file.read(PASSWORD_BYTES_MAX + 1))
    except FileNotFoundError as error:
        raise FailureError("KEY_FILE_MISSING", f"There is no password file {path}.") from error


def read_password_fd(fd: int) -> str:
    """Return the password that an inherited file descriptor holds, and close it.

    Raises:
        FailureError: KEY_FILE_MISSING, the descriptor is not open.
    """
    try:
        with os.fdopen(fd, "rb") as file:
            return _password(file.read(PASSWORD_BYTES_MAX + 1))
    except OSError as error:
        raise FailureError(
            "KEY_FILE_MISSING", f"File descriptor {fd} for the password is not open."
        ) from error


def _password(raw: bytes) -> str:
    if len(raw) > PASSWORD_BYTES_MAX:
        raise FailureError("KEY_PASSWORD_WRONG", "The password is longer than 4096 bytes.")
    try:
        return raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise FailureError("KEY_PASSWORD_WRONG", "The password is not UTF-8 text.") from error


def load_key(path: Path, password: str) -> HotKey:
    """Open a keystore v3 file; takes a second of CPU by design, so call it in a thread.

    Raises:
        FailureError: KEY_FILE_MISSING, KEY_FILE_INVALID or KEY_PASSWORD_WRONG.
    """
    keystore = _read_keystore(path)
    try:
        secret = bytes(_ACCOUNT.decrypt(keystore, password))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise FailureError(
                "KEY_PASSWORD_WRONG", f"The password does not open the key file {path}."
            ) from None
        raise _invalid(path) from error
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise _invalid(path) from error
    return _checked_key(path, secret, keystore.get("address"))


def _read_keystore(path: Path) -> dict[str, Any]:
    try:
        keystore = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FailureError("KEY_FILE_MISSING", f"There is no key file {path}.") from error
    except (ValueError, IsADirectoryError) as error:
        raise _invalid(path) from error
    if not isinstance(keystore, dict) or keystore.get("version") != 3:
        raise _invalid(path)
    return keystore


def _checked_key(path: Path, secret: bytes, named_address: object) -> HotKey:
    try:
        key = HotKey(secret)
    except ValueError as error:
        raise _invalid(path) from error
    if named_address is not None:
        named = str(named_address).lower().removeprefix("0x")
        if named != key.address.lower().removeprefix("0x"):
            raise _invalid(path)
    return key


def _invalid(path: Path) -> FailureError:
    return FailureError("KEY_FILE_INVALID", f"{path} is not a keystore v3 file.")


def write_key_file(
    path: Path, key: HotKey, password: str, *, scrypt_n: int = DEFAULT_SCRYPT_N
) -> None:
    """Write a new keystore v3 file that only its owner may read; never overwrites one.

    Args:
        scrypt_n: work factor, a power of two; tests take less than the default.

    Raises:
        FileExistsError: there is a file; a lost key is lost money.
    """
    keystore = _ACCOUNT.encrypt(key.reveal(), password, kdf="scrypt", iterations=scrypt_n)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        json.dump(keystore, file)
        file.flush()
        os.fsync(file.fileno())
