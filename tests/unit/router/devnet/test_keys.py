"""The public test keys: right addresses, one chain only, kept in private files."""

import stat
from pathlib import Path

import pytest
from eth_account import Account

from connectors.chain.keystore import load_key, read_password_file
from router.devnet import keys
from router.devnet.universe import COINS
from router.domain.errors import FailureError


@pytest.mark.parametrize("role", keys.ACCOUNTS)
def test_each_address_belongs_to_its_key(role: str) -> None:
    key = keys.private_key_of(role, keys.DEVNET_CHAIN_ID)
    assert Account.from_key(key).address == keys.address_of(role)


def test_the_keys_are_refused_for_any_other_chain() -> None:
    with pytest.raises(FailureError) as caught:
        keys.private_key_of("hot", 1)
    assert caught.value.code == "KEY_REFUSED"


def test_every_role_has_coins_for_gas() -> None:
    assert set(COINS) == set(keys.ACCOUNTS)


def test_the_hot_keystore_is_private_and_opens_with_its_password_file(tmp_path: Path) -> None:
    keystore = keys.write_hot_keystore(tmp_path, keys.DEVNET_CHAIN_ID)
    password_file = tmp_path / "keys" / "hot.password"
    for path in (keystore, password_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = load_key(keystore, read_password_file(password_file))
    assert key.address == keys.address_of("hot")


def test_a_keystore_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hot.json").write_text("somebody's own")
    keys.write_hot_keystore(tmp_path, keys.DEVNET_CHAIN_ID)
    assert (tmp_path / "keys" / "hot.json").read_text() == "somebody's own"
    assert not (tmp_path / "keys" / "hot.password").exists()
