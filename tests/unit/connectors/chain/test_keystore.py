"""Key files: what opens them, what does not, and that the secret is never shown."""

import json
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from connectors.chain.keystore import (
    HotKey,
    load_key,
    read_password_fd,
    read_password_file,
    write_key_file,
)
from router.domain.errors import FailureError

KEY = HotKey(bytes(range(1, 33)))
FAST_N = 2


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "hot.json"
    write_key_file(path, KEY, "correct horse", scrypt_n=FAST_N)
    return path


def test_a_written_key_file_opens_with_its_password(key_file: Path) -> None:
    opened = load_key(key_file, "correct horse")
    assert (opened.address, opened.reveal()) == (KEY.address, KEY.reveal())


def test_a_key_file_is_its_owners_alone_and_holds_no_plain_secret(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert KEY.reveal().hex() not in key_file.read_text()


def test_a_key_file_is_never_overwritten(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(FileExistsError):
        write_key_file(key_file, HotKey.generate(), "other", scrypt_n=FAST_N)
    assert key_file.read_bytes() == before


def test_a_wrong_password_is_told_apart_from_a_broken_file(key_file: Path) -> None:
    with pytest.raises(FailureError) as caught:
        load_key(key_file, "correct horsf")
    assert caught.value.code == "KEY_PASSWORD_WRONG"
    assert "horsf" not in str(caught.value)


def test_a_missing_file_has_its_own_code(tmp_path: Path) -> None:
    with pytest.raises(FailureError) as caught:
        load_key(tmp_path / "none.json", "x")
    assert caught.value.code == "KEY_FILE_MISSING"


def damaged(keystore: dict[str, Any], how: str) -> Any:
    crypto = keystore["crypto"]
    match how:
        case "version":
            keystore["version"] = 2
        case "no crypto":
            del keystore["crypto"]
        case "no mac":
            del crypto["mac"]
        case "kdf":
            crypto["kdf"] = "rot13"
        case "ciphertext":
            crypto["ciphertext"] = "zz"
        case "work factor":
            crypto["kdfparams"]["n"] = 3
        case "crypto is text":
            keystore["crypto"] = "text"
        case "other address":
            keystore["address"] = "00" * 20
        case "list":
            return [keystore]
    return keystore


@pytest.mark.parametrize(
    "how",
    [
        "version",
        "no crypto",
        "no mac",
        "kdf",
        "ciphertext",
        "work factor",
        "crypto is text",
        "other address",
        "list",
    ],
)
def test_a_damaged_file_is_invalid(key_file: Path, how: str) -> None:
    content = damaged(json.loads(key_file.read_text()), how)
    key_file.write_text(json.dumps(content))
    with pytest.raises(FailureError) as caught:
        load_key(key_file, "correct horse")
    assert caught.value.code == "KEY_FILE_INVALID"


@pytest.mark.parametrize("text", ["", "{", "null", "\x00"])
def test_a_file_that_is_no_json_object_is_invalid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(FailureError) as caught:
        load_key(path, "x")
    assert caught.value.code == "KEY_FILE_INVALID"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_password_file_is_read_without_its_line_end(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "password"
    path.write_bytes(f"pass word {ending}".encode())
    assert read_password_file(path) == "pass word "


def test_a_missing_password_file_is_a_missing_key_file(tmp_path: Path) -> None:
    with pytest.raises(FailureError) as caught:
        read_password_file(tmp_path / "none")
    assert caught.value.code == "KEY_FILE_MISSING"


@pytest.mark.parametrize("raw", [b"x" * 4097, b"\xff\xfe"], ids=["too long", "not text"])
def test_a_password_that_cannot_be_one_is_wrong(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(raw)
    with pytest.raises(FailureError) as caught:
        read_password_file(path)
    assert caught.value.code == "KEY_PASSWORD_WRONG"


def test_a_password_comes_through_a_file_descriptor_which_is_then_closed() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"secret\n")
    os.close(write_end)
    assert read_password_fd(read_end) == "secret"
    with pytest.raises(FailureError) as caught:
        read_password_fd(read_end)
    assert caught.value.code == "KEY_FILE_MISSING"


def test_the_secret_is_in_no_text_of_the_key() -> None:
    secret = KEY.reveal()
    for text in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), repr({"key": KEY})):
        assert secret.hex() not in text
        assert KEY.address in text
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.mark.parametrize("secret", [b"", b"\0" * 31, b"\0" * 32, b"\xff" * 32])
def test_bytes_that_are_no_key_are_refused_without_being_shown(secret: bytes) -> None:
    with pytest.raises(ValueError, match="private key") as caught:
        HotKey(secret)
    assert not secret or secret.hex() not in str(caught.value)
