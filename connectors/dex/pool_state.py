"""A pool's value together with where it is: port `PoolState`."""

from dataclasses import dataclass

from router.core import V2Pool, V3Pool
from router.domain.market import PoolRef


@dataclass(frozen=True, slots=True, kw_only=True)
class UniswapPool:
    """A V2 pair or V3 pool as of one block; immutable like its `core`."""

    ref: PoolRef
    core: V2Pool | V3Pool
