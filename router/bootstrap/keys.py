"""The hot wallet's signer, or its stand-in that knows the address only."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from router.bootstrap.profile import Profile
from router.domain.errors import FailureError
from router.domain.settlement import PlanPermit, TxRequest
from router.ports import Signer


@dataclass(frozen=True, slots=True)
class Keys:
    """What may sign for the hot wallet."""

    signer: Signer


@dataclass(frozen=True, slots=True)
class AddressOnly:
    """Port `Signer` that refuses everything: the router was opened for reading."""

    address: str

    def sign_transaction(
        self,
        request: TxRequest,  # noqa: ARG002 - the port's signature
        *,
        chain_id: int,  # noqa: ARG002
        nonce: int,  # noqa: ARG002
        max_fee_wei: int,  # noqa: ARG002
        max_tip_wei: int,  # noqa: ARG002
    ) -> tuple[str, bytes]:
        raise _read_only()

    def sign_plan_permit(self, permit: PlanPermit, *, chain_id: int) -> bytes:  # noqa: ARG002
        raise _read_only()


def _read_only() -> FailureError:
    return FailureError("SIGNER_REFUSED", "This router was opened for reading only.")


async def open_keys(
    profile: Profile, plan_gas_max: int, is_frozen: Callable[[], str | None]
) -> Keys:
    """Open the hot wallet's key file; its scrypt work runs in a thread.

    `is_frozen` returns why nothing may be signed now, None when it may; asked for each signature.

    Raises:
        FailureError: KEY_FILE_MISSING, KEY_FILE_INVALID, KEY_PASSWORD_WRONG or KEY_REFUSED.
    """
    # eth-account takes a second to import, and readers do without a key.
    from connectors.chain.keystore import load_key, read_password_file  # noqa: PLC0415
    from connectors.chain.policy import SignerPolicy  # noqa: PLC0415
    from connectors.chain.signer import LocalSigner  # noqa: PLC0415

    settings = profile.settings
    path = settings.below_home(settings.wallets.hot_keystore)
    password_file = settings.below_home(settings.wallets.hot_password_file)
    if not path.exists():
        raise FailureError("KEY_FILE_MISSING", f"There is no key file {path}.")
    password = await asyncio.to_thread(read_password_file, password_file)
    key = await asyncio.to_thread(load_key, path, password)
    policy = SignerPolicy(
        chain_id=profile.deployment.chain_id,
        executor=profile.executor,
        permit2=profile.permit_contract,
        tokens=frozenset(a.address for a in profile.registry if not a.is_native),
        max_gas_cost_wei=settings.chain.gas_price_cap_wei * plan_gas_max,
        cold_wallet=profile.cold_address,
        pools=frozenset(pool.address for pool in profile.deployment.pools),
    )
    return Keys(LocalSigner(key, policy, is_frozen=is_frozen))


async def read_only_keys(profile: Profile) -> Keys:
    """Return the hot wallet's address from its key file, else from the deployment.

    Raises:
        FailureError: KEY_FILE_MISSING, neither names it.
    """
    settings = profile.settings
    path = settings.below_home(settings.wallets.hot_keystore)
    named = await asyncio.to_thread(_address_in, str(path))
    address = named or profile.deployment.roles.get("hot", "")
    if not address:
        raise FailureError("KEY_FILE_MISSING", f"There is no key file {path}.")
    return Keys(AddressOnly(address))


def _address_in(path: str) -> str:
    """Return the checksummed address that a key file names, empty when it names none."""
    # eth-utils brings its hashing along, which only this question needs here.
    from eth_utils.address import to_checksum_address  # noqa: PLC0415

    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            named = json.load(file).get("address", "")
        return to_checksum_address("0x" + named.removeprefix("0x")) if named else ""
    except (OSError, ValueError, AttributeError):
        return ""
