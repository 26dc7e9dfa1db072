"""Quotes and swaps of one pool through the `uniswap-python` package: a second opinion on ours.

It asks the deployed contracts through web3, so it is slow (5 to 10 ms a quote) and independent of
our own readers, maths and encoding. What it can and cannot do, found by trying:

- It knows chains by name; the devnet's id is taught to it here.
- V2 takes the addresses of a deployment. V3 ignores them and uses mainnet's, so V3 works only where
  the contracts stand at those addresses, as on the devnet.
- It goes through WETH between two other tokens on V2 unless a route is given, so one is given.
- V3 over more than one pool is not supported.
- Its own trades compute the minimum output in floats, approve without limit, keep their own nonce
  and check no receipt. So a swap is built here from its contract bindings with our own minimum,
  and is neither signed nor sent: our signer allows the executor only.
"""

import asyncio
import importlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from router.domain.assets import Asset
from router.domain.errors import FailureError, UsageError, VenueUnavailable
from router.domain.market import PoolRef, Protocol
from router.domain.settlement import TxRequest

T = TypeVar("T")

DEVNET_CHAIN_ID: Final = 31337
DEFAULT_DEADLINE_S: Final = 20.0
SWAP_GAS_LIMIT: Final = 400_000
_VERSIONS: Final = {Protocol.UNISWAP_V2: 2, Protocol.UNISWAP_V3: 3}


class UniswapPythonQuoter:
    """Asks one deployment; the package is imported at the first question."""

    def __init__(
        self,
        url: str,
        chain_id: int,
        *,
        v2_factory: str,
        v2_router: str,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> None:
        assert deadline_s > 0, deadline_s
        self._url = url
        self._chain_id = chain_id
        self._v2_factory = v2_factory
        self._v2_router = v2_router
        self._deadline_s = deadline_s
        self._clients: dict[Protocol, Any] = {}
        self._lock = asyncio.Lock()

    async def quote_exact_in(self, pool: PoolRef, asset_in: Asset, amount_in_units: int) -> int:
        """Return what the pool pays out for an exact input, in base units.

        Raises:
            FailureError: INSUFFICIENT_LIQUIDITY, the contracts refuse.
            VenueUnavailable: CHAIN_UNAVAILABLE.
            UsageError: CONFIG_INVALID, the package is not installed.
        """
        tokens = _in_and_out(pool, asset_in)

        def ask(client: Any) -> int:  # noqa: ANN401 - the package declares no types
            return int(
                client.get_price_input(
                    *tokens, amount_in_units, fee=pool.fee_ppm, route=_route(pool, tokens)
                )
            )

        return await self._in_thread(pool, ask)

    async def quote_exact_out(self, pool: PoolRef, asset_in: Asset, amount_out_units: int) -> int:
        """Return what the pool takes in for an exact output, in base units.

        Raises:
            FailureError, VenueUnavailable, UsageError: see `quote_exact_in`.
        """
        tokens = _in_and_out(pool, asset_in)

        def ask(client: Any) -> int:  # noqa: ANN401
            return int(
                client.get_price_output(
                    *tokens, amount_out_units, fee=pool.fee_ppm, route=_route(pool, tokens)
                )
            )

        return await self._in_thread(pool, ask)

    async def build_swap(
        self,
        pool: PoolRef,
        asset_in: Asset,
        amount_in_units: int,
        *,
        minimum_out_units: int,
        recipient: str,
        deadline_s: int,
    ) -> TxRequest:
        """Return the router call of one exact-input swap, unsigned.

        The sender must have approved the router (`to`) for the input.

        Raises:
            ValueError: the minimum is not positive.
            FailureError, VenueUnavailable, UsageError: see `quote_exact_in`.
        """
        if minimum_out_units <= 0:
            raise ValueError("a swap has a positive minimum")
        token_in, token_out = _in_and_out(pool, asset_in)

        def encode(client: Any) -> TxRequest:  # noqa: ANN401
            functions = client.router.functions
            # web3 asks the node for whatever of these is missing.
            filled = {"gas": SWAP_GAS_LIMIT, "gasPrice": 0, "nonce": 0, "chainId": self._chain_id}
            if pool.protocol is Protocol.UNISWAP_V2:
                call = functions.swapExactTokensForTokens(
                    amount_in_units, minimum_out_units, [token_in, token_out], recipient, deadline_s
                )
            else:
                call = functions.exactInputSingle(
                    {
                        "tokenIn": token_in,
                        "tokenOut": token_out,
                        "fee": pool.fee_ppm,
                        "recipient": recipient,
                        "deadline": deadline_s,
                        "amountIn": amount_in_units,
                        "amountOutMinimum": minimum_out_units,
                        "sqrtPriceLimitX96": 0,
                    }
                )
            return TxRequest(
                to=str(client.router.address),
                data=bytes.fromhex(call.build_transaction(filled)["data"].removeprefix("0x")),
                value_wei=0,
                gas_limit=SWAP_GAS_LIMIT,
            )

        return await self._in_thread(pool, encode)

    async def _in_thread(self, pool: PoolRef, work: Callable[[Any], T]) -> T:
        """Run blocking work of the package; one at a time, since its client has one session.

        The deadline bounds each request of the thread too, so it does not run on for ever.
        """
        try:
            async with asyncio.timeout(self._deadline_s), self._lock:
                return await asyncio.to_thread(self._guarded, pool, work)
        except TimeoutError as error:
            raise VenueUnavailable(
                "CHAIN_UNAVAILABLE", f"uniswap-python had no answer in {self._deadline_s:g} s."
            ) from error

    def _guarded(self, pool: PoolRef, work: Callable[[Any], T]) -> T:
        web3_errors = _imported("web3.exceptions").Web3Exception
        try:
            return work(self._client(pool.protocol))
        except OSError as error:  # The root of what requests raises, and of time-outs.
            raise VenueUnavailable(
                "CHAIN_UNAVAILABLE", f"uniswap-python cannot reach the node: {_brief(error)}"
            ) from error
        except (web3_errors, ValueError) as error:
            raise FailureError(
                "INSUFFICIENT_LIQUIDITY", f"The contracts of {pool.label} refuse: {_brief(error)}"
            ) from error

    def _client(self, protocol: Protocol) -> Any:  # noqa: ANN401
        if protocol not in self._clients:
            package = _imported("uniswap")
            if self._chain_id == DEVNET_CHAIN_ID:
                names = _imported("uniswap.constants")._netid_to_name
                names.setdefault(DEVNET_CHAIN_ID, "devnet")
            web3 = _imported("web3")
            provider = web3.Web3.HTTPProvider(
                self._url, request_kwargs={"timeout": self._deadline_s}
            )
            self._clients[protocol] = package.Uniswap(
                address=None,
                private_key=None,
                web3=web3.Web3(provider),
                version=_VERSIONS[protocol],
                factory_contract_addr=self._v2_factory,
                router_contract_addr=self._v2_router,
            )
        return self._clients[protocol]


def _in_and_out(pool: PoolRef, asset_in: Asset) -> tuple[str, str]:
    if asset_in == pool.token0:
        return pool.token0.address, pool.token1.address
    assert asset_in == pool.token1, f"{asset_in} is not in {pool.label}"
    return pool.token1.address, pool.token0.address


def _route(pool: PoolRef, tokens: tuple[str, str]) -> list[str] | None:
    """V2 needs the route, or it would go through WETH; V3 refuses one."""
    return list(tokens) if pool.protocol is Protocol.UNISWAP_V2 else None


def _brief(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]


def _imported(module: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            "CONFIG_INVALID",
            "The package uniswap-python is not installed: install the extra `uniswap`.",
        ) from error
