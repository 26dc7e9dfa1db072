"""Anvil's well-known test accounts and the roles that they play on the devnet.

THESE PRIVATE KEYS ARE PUBLIC. They are printed in the documentation of Foundry and Hardhat and
drained within seconds on every real network. They are used for chain 31337 only.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from router.devnet.atomic import write_whole
from router.domain.errors import FailureError

DEVNET_CHAIN_ID: Final = 31337
_SCRYPT_N_LIGHT: Final = 4096

# role -> (address, private key), in the order of Anvil's accounts
ACCOUNTS: Final[dict[str, tuple[str, str]]] = {
    "deployer": (
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    ),
    "hot": (
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    ),
    "cold": (
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    ),
    "alice": (
        "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    ),
    "bob": (
        "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
        "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    ),
    "market_maker": (
        "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
        "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    ),
}


def address_of(role: str) -> str:
    """Return the checksummed address of a role."""
    return ACCOUNTS[role][0]


def private_key_of(role: str, chain_id: int) -> str:
    """Return the public test key of a role as 0x-hex.

    Raises:
        FailureError: KEY_REFUSED, `chain_id` is not the devnet's.
    """
    if chain_id != DEVNET_CHAIN_ID:
        raise FailureError(
            "KEY_REFUSED", f"The devnet's keys are public and not for chain {chain_id}."
        )
    return ACCOUNTS[role][1]


def write_hot_keystore(home: Path, chain_id: int) -> Path:
    """Write `<home>/keys/hot.json` (keystore v3) and `hot.password`; return the keystore's path.

    A keystore that is there already is left as it is: it may hold somebody's own key.

    Raises:
        FailureError: KEY_REFUSED, `chain_id` is not the devnet's.
    """
    key = private_key_of("hot", chain_id)
    folder = home / "keys"
    keystore, password_file = folder / "hot.json", folder / "hot.password"
    if keystore.exists():
        return keystore
    # eth-account takes a second to import and is needed on the first start only.
    from connectors.chain.keystore import HotKey, write_key_file  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secrets.token_urlsafe(24)
    write_whole(password_file, password, mode=0o600)
    draft = folder / f".hot.json.{os.getpid()}"
    draft.unlink(missing_ok=True)
    write_key_file(draft, HotKey(bytes.fromhex(key[2:])), password, scrypt_n=_SCRYPT_N_LIGHT)
    draft.replace(keystore)
    return keystore
