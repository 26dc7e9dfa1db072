"""A pool's value together with where it is: port `PoolState`."""

from dataclasses import dataclass

from router.core import BalancerStablePool, StableSwapPool, V2Pool, V3Pool, V4Pool, WeightedPool
from router.domain.market import PoolRef

# A pool between two tokens that is told which way to swap, and one whose coins are numbered.
PairCore = V2Pool | V3Pool | V4Pool
MultiCore = WeightedPool | BalancerStablePool | StableSwapPool
Core = PairCore | MultiCore


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPool:
    """A pool as of one block; immutable like its `core`. Coin i of the core is `ref.tokens[i]`."""

    ref: PoolRef
    core: Core
