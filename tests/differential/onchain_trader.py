"""Acts on the devnet through the real routers and the real position manager.

In V4's pool manager, which no account can use directly, it acts through `PoolUser`, a contract of
the tests.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from connectors.chain.abi import AbiEvent, AbiFunction
from connectors.chain.deployment import Deployment
from connectors.chain.erc20 import APPROVE
from connectors.chain.node import parse_receipt
from connectors.chain.rpc import JsonRpc, from_hex, from_quantity, to_hex, to_quantity
from connectors.dex.balancer.calls import GIVEN_IN, GIVEN_OUT
from connectors.dex.uniswap_v4.calls import key_of
from router.domain.market import PoolRef, Protocol
from router.domain.settlement import Receipt
from tests.integration.contracts.evm import load_test_contract

FAR_DEADLINE = 2**40
POOL_USER = "0x000000000000000000000000000000000000b0b5"
PRICE_LIMITS = (1461446703485210103287273052203988822378723970341, 4295128740)
GAS = 8_000_000
DEAL = 10**36
V3_EXACT_IN = AbiFunction.declare(
    "exactInputSingle", ["(address,address,uint24,address,uint256,uint256,uint256,uint160)"]
)
V3_EXACT_OUT = AbiFunction.declare(
    "exactOutputSingle", ["(address,address,uint24,address,uint256,uint256,uint256,uint160)"]
)
V2_EXACT_IN = AbiFunction.declare(
    "swapExactTokensForTokens", ["uint256", "uint256", "address[]", "address", "uint256"]
)
V2_EXACT_OUT = AbiFunction.declare(
    "swapTokensForExactTokens", ["uint256", "uint256", "address[]", "address", "uint256"]
)
NPM_MINT = AbiFunction.declare(
    "mint",
    [
        "(address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256)",
    ],
)
NPM_DECREASE = AbiFunction.declare(
    "decreaseLiquidity", ["(uint256,uint128,uint256,uint256,uint256)"]
)
V2_ADD = AbiFunction.declare(
    "addLiquidity",
    ["address", "address", "uint256", "uint256", "uint256", "uint256", "address", "uint256"],
)
INCREASED = AbiEvent.declare(
    "IncreaseLiquidity", ["uint256", "uint128", "uint256", "uint256"], [True, False, False, False]
)
INCREASED_TOPIC = "0x" + INCREASED.topic0.hex()
TICK_SPACINGS = {100: 1, 500: 10, 3000: 60, 10_000: 200}


@dataclass
class Trader:
    """One account that owns plenty of every token; call `prepare` once."""

    rpc: JsonRpc
    deployment: Deployment
    address: str
    positions: list[tuple[int, int]] = field(default_factory=list)
    v4_positions: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)

    async def prepare(self) -> None:
        contracts = self.deployment.contracts
        spenders = [
            contracts[name]
            for name in ("SwapRouter", "UniswapV2Router02", "NonfungiblePositionManager")
        ]
        tokens = [asset.address for asset in self.deployment.assets if not asset.is_native]
        await self.rpc.call("anvil_impersonateAccount", [self.address])
        await self.rpc.call("anvil_setBalance", [self.address, to_quantity(10**24)])
        for token in tokens:
            await self.rpc.call("anvil_dealERC20", [self.address, token, to_quantity(DEAL)])
        await self._deploy_pool_user(tokens)
        calls = [(t, APPROVE.encode_call(s, 2**256 - 1)) for t in tokens for s in spenders]
        receipts = await self.send(calls)
        assert all(receipt.status for receipt in receipts)

    async def _deploy_pool_user(self, tokens: list[str]) -> None:
        code = to_hex(load_test_contract("PoolUser").deployed_bytecode)
        await self.rpc.call("anvil_setCode", [POOL_USER, code])
        for token in tokens:
            await self.rpc.call("anvil_dealERC20", [POOL_USER, token, to_quantity(DEAL)])

    async def send(self, calls: list[tuple[str, bytes]], gas: int = GAS) -> list[Receipt]:
        """Mine the calls in order, as many to a block as fit; return the receipts."""
        rpc = self.rpc
        nonce = from_quantity(await rpc.call("eth_getTransactionCount", [self.address, "latest"]))
        await rpc.call("evm_setAutomine", [False])
        hashes = await rpc.batch(
            [
                (
                    "eth_sendTransaction",
                    [
                        {
                            "from": self.address,
                            "to": to,
                            "data": to_hex(call_data),
                            "gas": to_quantity(gas),
                            "nonce": to_quantity(nonce + offset),
                        }
                    ],
                )
                for offset, (to, call_data) in enumerate(calls)
            ]
        )
        answers: list[Any] = [None]
        for _ in range(len(calls) + 1):
            if None not in answers:
                break
            await rpc.call("evm_mine")
            answers = await rpc.batch([("eth_getTransactionReceipt", [h]) for h in hashes])
        await rpc.call("evm_setAutomine", [True])
        return [parse_receipt(answer) for answer in answers]

    def swap_exact_in(self, pool: PoolRef, zero_for_one: bool, amount: int) -> tuple[str, bytes]:
        token_in, token_out = _tokens(pool, zero_for_one)
        if pool.protocol is Protocol.UNISWAP_V2:
            return self.deployment.contracts["UniswapV2Router02"], V2_EXACT_IN.encode_call(
                amount, 0, [token_in, token_out], self.address, FAR_DEADLINE
            )
        return self.deployment.contracts["SwapRouter"], V3_EXACT_IN.encode_call(
            (token_in, token_out, pool.fee_ppm, self.address, FAR_DEADLINE, amount, 0, 0)
        )

    def swap_exact_out(self, pool: PoolRef, zero_for_one: bool, amount: int) -> tuple[str, bytes]:
        token_in, token_out = _tokens(pool, zero_for_one)
        if pool.protocol is Protocol.UNISWAP_V2:
            return self.deployment.contracts["UniswapV2Router02"], V2_EXACT_OUT.encode_call(
                amount, DEAL, [token_in, token_out], self.address, FAR_DEADLINE
            )
        return self.deployment.contracts["SwapRouter"], V3_EXACT_OUT.encode_call(
            (token_in, token_out, pool.fee_ppm, self.address, FAR_DEADLINE, amount, DEAL, 0)
        )

    def sell(self, pool: PoolRef, symbol: str, amount: int) -> tuple[str, bytes]:
        """Swap for the pool's next token; a weighted pool takes less than a third of its own."""
        sold = [asset.symbol for asset in pool.tokens].index(symbol)
        if pool.protocol is Protocol.BALANCER:
            return self.swap_balancer(pool, (sold, (sold + 1) % len(pool.tokens)), amount // 100)
        swap = self.swap_v4 if pool.protocol is Protocol.UNISWAP_V4 else self.swap_exact_in
        return swap(pool, sold == 0, amount)

    def swap_v4(
        self, pool: PoolRef, zero_for_one: bool, amount: int, *, exact_in: bool = True
    ) -> tuple[str, bytes]:
        swap = load_test_contract("PoolUser").functions["swapV4"]
        signed = -amount if exact_in else amount
        return POOL_USER, swap.encode_call(
            pool.address, key_of(pool), zero_for_one, signed, PRICE_LIMITS[zero_for_one]
        )

    def swap_balancer(
        self, pool: PoolRef, coins: tuple[int, int], amount: int, *, exact_in: bool = True
    ) -> tuple[str, bytes]:
        swap = load_test_contract("PoolUser").functions["swapBalancer"]
        token_in, token_out = (pool.tokens[coin].address for coin in coins)
        kind = GIVEN_IN if exact_in else GIVEN_OUT
        return POOL_USER, swap.encode_call(
            pool.address, from_hex(pool.pool_id), kind, token_in, token_out, amount
        )

    def change_v4(self, pool: PoolRef, tick: int, rng: random.Random) -> tuple[str, bytes]:
        """Add a position around or beside the price, or take a part of an earlier one out."""
        change = load_test_contract("PoolUser").functions["changeV4"]
        held = self.v4_positions.setdefault(pool.pool_id, [])
        if held and rng.random() < 0.5:
            lower, upper, liquidity = held.pop(rng.randrange(len(held)))
            liquidity = -rng.randint(1, liquidity)
        else:
            lower = (tick // pool.tick_spacing + rng.randint(-30, 20)) * pool.tick_spacing
            upper = lower + rng.randint(1, 40) * pool.tick_spacing
            liquidity = 10 ** rng.randint(9, 16)
            held.append((lower, upper, liquidity))
        return POOL_USER, change.encode_call(pool.address, key_of(pool), lower, upper, liquidity)

    def mint(self, pool: PoolRef, tick: int, rng: random.Random) -> tuple[str, bytes]:
        """Add a position of random width around or beside the price; a V2 pair gets both tokens."""
        if pool.protocol is Protocol.UNISWAP_V2:
            amount = 10 ** rng.randint(8, 20)
            return self.deployment.contracts["UniswapV2Router02"], V2_ADD.encode_call(
                pool.token0.address,
                pool.token1.address,
                amount,
                amount,
                0,
                0,
                self.address,
                FAR_DEADLINE,
            )
        spacing = TICK_SPACINGS[pool.fee_ppm]
        lower = (tick // spacing + rng.randint(-30, 20)) * spacing
        upper = lower + rng.randint(1, 40) * spacing
        amounts = (10 ** rng.randint(9, 22), 10 ** rng.randint(9, 22))
        return self.deployment.contracts["NonfungiblePositionManager"], NPM_MINT.encode_call(
            (
                pool.token0.address,
                pool.token1.address,
                pool.fee_ppm,
                lower,
                upper,
                *amounts,
                0,
                0,
                self.address,
                FAR_DEADLINE,
            )
        )

    def remember_positions(self, receipts: list[Receipt]) -> None:
        """Note the positions that mints made: (token id, liquidity)."""
        for receipt in receipts:
            self.positions += [
                (int(log.topics[1], 16), int.from_bytes(log.data[:32], "big"))
                for log in receipt.logs
                if log.topics and log.topics[0] == INCREASED_TOPIC
            ]

    def burn(self, rng: random.Random) -> tuple[str, bytes] | None:
        """Take out a part or all of a random position; None when there is none."""
        if not self.positions:
            return None
        at = rng.randrange(len(self.positions))
        token_id, liquidity = self.positions[at]
        part = liquidity if rng.random() < 0.5 else rng.randint(1, liquidity)
        self.positions[at] = (token_id, liquidity - part)
        if part == liquidity:
            del self.positions[at]
        return self.deployment.contracts["NonfungiblePositionManager"], NPM_DECREASE.encode_call(
            (token_id, part, 0, 0, FAR_DEADLINE)
        )


def _tokens(pool: PoolRef, zero_for_one: bool) -> tuple[str, str]:
    pair = (pool.token0.address, pool.token1.address)
    return pair if zero_for_one else (pair[1], pair[0])
