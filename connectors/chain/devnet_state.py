"""Where the devnet of a data directory is: the file that `router devnet up` leaves for others."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from connectors.chain.anvil import AnvilNode
from router.domain.errors import FailureError

_FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetState:
    """A devnet that was started; whether it still runs is for `anvil.is_running` to say."""

    node: AnvilNode
    block_time_s: int
    genesis_hash: str

    @classmethod
    def load(cls, home: Path) -> Self:
        """Read `<home>/devnet/state.json`.

        Raises:
            FailureError: DEVNET_NOT_RUNNING, there is no such file or none of this version.
        """
        try:
            document = json.loads(state_path(home).read_text(encoding="utf-8"))
            if document["version"] != _FORMAT_VERSION:
                raise _not_running(home)
            return cls(
                node=AnvilNode(**document["node"]),
                block_time_s=int(document["block_time_s"]),
                genesis_hash=str(document["genesis_hash"]),
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise _not_running(home) from error

    def to_document(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {
            "version": _FORMAT_VERSION,
            "url": self.node.url,
            "node": asdict(self.node),
            "block_time_s": self.block_time_s,
            "genesis_hash": self.genesis_hash,
        }


def devnet_folder(home: Path) -> Path:
    """Return where the devnet of a data directory keeps its files."""
    return home / "devnet"


def state_path(home: Path) -> Path:
    return devnet_folder(home) / "state.json"


def deployment_path(home: Path) -> Path:
    """Return the file that says what stands on the devnet's chain, for `Deployment.load`."""
    return devnet_folder(home) / "deployment.json"


def _not_running(home: Path) -> FailureError:
    return FailureError(
        "DEVNET_NOT_RUNNING", f"No devnet was started in {home}; run `router devnet up`."
    )
