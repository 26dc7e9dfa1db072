"""A small market of real Uniswap pools, an executor, and the plans an operator signs for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from connectors.chain.abi import AbiFunction, load_contract
from tests.integration.contracts.evm import Deployed, Evm, Mined, load_test_contract

PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
V2_FACTORY = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
V3_FACTORY = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
DEPLOYER = "0x" + "d1" * 20
STRANGER = "0x" + "57" * 20
SINK = "0x" + "51" * 20
CHAIN_ID = 31337

ALL = 2**256 - 1
V2 = 0
V3 = 1
V4 = 2
CURVE = 3
BALANCER = 4
FUNDS = 10**30
PLAN_TYPE = (
    "(bytes32,address,uint256,uint256,uint256,"
    "(uint8,address,address,address,uint24,uint256,bytes32)[],(address,uint256)[])"
)
PERMIT_TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "TokenPermissions": [
        {"name": "token", "type": "address"},
        {"name": "amount", "type": "uint256"},
    ],
    "PermitWitnessTransferFrom": [
        {"name": "permitted", "type": "TokenPermissions"},
        {"name": "spender", "type": "address"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
        {"name": "planHash", "type": "bytes32"},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool of either kind; `token0 < token1` as the pools themselves order them."""

    kind: int
    address: str
    token0: str
    token1: str
    fee_ppm: int

    def other(self, token: str) -> str:
        return self.token1 if token == self.token0 else self.token0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    kind: int
    pool: str
    token_in: str
    token_out: str
    fee_ppm: int = 3000
    amount_in: int = ALL
    detail: bytes = bytes(32)

    @classmethod
    def over(cls, pool: Pool, token_in: str, amount_in: int = ALL) -> "Step":
        return cls(
            kind=pool.kind,
            pool=pool.address,
            token_in=token_in,
            token_out=pool.other(token_in),
            fee_ppm=pool.fee_ppm,
            amount_in=amount_in,
        )

    def abi(self) -> tuple[object, ...]:
        return (
            self.kind,
            self.pool,
            self.token_in,
            self.token_out,
            self.fee_ppm,
            self.amount_in,
            self.detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    token_in: str
    amount_in: int
    deadline: int
    steps: Sequence[Step]
    outputs: Sequence[tuple[str, int]]
    plan_id: bytes = b"\x07" * 32
    permit_nonce: int = 1

    def abi(self) -> tuple[object, ...]:
        return (
            self.plan_id,
            self.token_in,
            self.amount_in,
            self.permit_nonce,
            self.deadline,
            [step.abi() for step in self.steps],
            list(self.outputs),
        )

    def hash(self) -> bytes:
        return keccak(encode((PLAN_TYPE,), (self.abi(),)))


def sign_plan(plan: Plan, spender: str, key: LocalAccount) -> bytes:
    """Sign the Permit2 witness transfer that lets `spender` run exactly this plan."""
    message = encode_typed_data(
        full_message={
            "types": PERMIT_TYPES,
            "primaryType": "PermitWitnessTransferFrom",
            "domain": {"name": "Permit2", "chainId": CHAIN_ID, "verifyingContract": PERMIT2},
            "message": {
                "permitted": {"token": plan.token_in, "amount": plan.amount_in},
                "spender": spender,
                "nonce": plan.permit_nonce,
                "deadline": plan.deadline,
                "planHash": plan.hash(),
            },
        }
    )
    return bytes(key.sign_message(message).signature)


@dataclass(kw_only=True)
class Market:
    """Everything a test needs; build it once and roll back after each test."""

    evm: Evm
    key: LocalAccount
    executor: Deployed
    user: Deployed
    tokens: dict[str, Deployed] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)

    @property
    def operator(self) -> str:
        return str(self.key.address)

    def token(self, name: str) -> str:
        return self.tokens[name].address

    def plan(
        self,
        steps: Sequence[Step],
        amount_in: int,
        outputs: Sequence[tuple[str, int]] | None = None,
        **changes: object,
    ) -> Plan:
        """Return a plan that is good for an hour and accepts any output unless told otherwise."""
        plan = Plan(
            token_in=steps[0].token_in,
            amount_in=amount_in,
            deadline=self.evm.timestamp() + 3600,
            steps=steps,
            outputs=outputs if outputs is not None else [(steps[-1].token_out, 1)],
        )
        return replace(plan, **changes)  # type: ignore[arg-type]

    def sign(self, plan: Plan) -> bytes:
        return sign_plan(plan, self.executor.address, self.key)

    def simulate(self, plan: Plan, sender: str | None = None) -> list[int]:
        """Execute without a transaction and return the amounts out.

        Raises:
            Reverted: with the executor's error by name.
        """
        answer = self.executor.call("execute", plan.abi(), self.sign(plan), sender=sender)
        return list(answer[0])

    def execute(self, plan: Plan) -> tuple[Mined, list[int]]:
        mined = self.executor.send("execute", plan.abi(), self.sign(plan))
        events = mined.of(self.executor.address, self.executor.contract.events["RouteExecuted"])
        assert len(events) == 1
        plan_id, token_in, amount_in, tokens, amounts_out = events[0]
        assert (plan_id, token_in, amount_in) == (plan.plan_id, plan.token_in, plan.amount_in)
        assert list(tokens) == [token for token, _ in plan.outputs]
        return mined, list(amounts_out)

    def replay(self, plan: Plan) -> dict[str, int]:
        """Return what the pools themselves give for the steps, one plain swap after another."""
        held = {plan.token_in: plan.amount_in}
        with self.evm.rolled_back():
            for step in plan.steps:
                spent = held[step.token_in] if step.amount_in == ALL else step.amount_in
                before = self.evm.balance(step.token_out, self.user.address)
                self._swap_directly(step, spent)
                gained = self.evm.balance(step.token_out, self.user.address) - before
                held[step.token_in] -= spent
                held[step.token_out] = held.get(step.token_out, 0) + gained
        return held

    def _swap_directly(self, step: Step, amount_in: int) -> None:
        zero_for_one = int(step.token_in, 16) < int(step.token_out, 16)
        if step.kind == V3:
            limit = 4295128740 if zero_for_one else MAX_SQRT_PRICE_X96 - 1
            self.user.send("swapV3", step.pool, step.token_in, zero_for_one, amount_in, limit)
            return
        reserves = self.reserves(step.pool)
        reserve_in, reserve_out = reserves if zero_for_one else reversed(reserves)
        amount_out = router_v2_amount_out(amount_in, reserve_in, reserve_out)
        outs = (0, amount_out) if zero_for_one else (amount_out, 0)
        self.user.send("swapV2", step.pool, step.token_in, amount_in, *outs)

    def reserves(self, pair: str) -> tuple[int, int]:
        answer = self.evm.call_bytes(pair, GET_RESERVES.encode_call(), STRANGER)
        reserve0, reserve1, _ = GET_RESERVES.decode_output(answer)
        return reserve0, reserve1

    def executor_balances(self) -> dict[str, int]:
        return {name: t.balance_of(self.executor.address) for name, t in self.tokens.items()}

    def executor_allowances(self) -> set[int]:
        spenders = [PERMIT2, self.operator, *(pool.address for pool in self.pools.values())]
        return {
            token.call("allowance", self.executor.address, spender)[0]
            for token in self.tokens.values()
            for spender in spenders
        }


MAX_SQRT_PRICE_X96 = 1461446703485210103287273052203988822378723970342
GET_RESERVES = AbiFunction.declare("getReserves", (), ("uint112", "uint112", "uint32"))
CREATE_PAIR = AbiFunction.declare("createPair", ("address", "address"), ("address",))
CREATE_POOL = AbiFunction.declare("createPool", ("address", "address", "uint24"), ("address",))
INITIALIZE = AbiFunction.declare("initialize", ("uint160",))


def router_v2_amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """Return what the Uniswap V2 router computes, with its own 997 / 1000."""
    kept = amount_in * 997
    return kept * reserve_out // (reserve_in * 1000 + kept)


def _pool(kind: int, address: str, tokens: Sequence[str], fee_ppm: int) -> Pool:
    token0, token1 = sorted(tokens, key=lambda token: int(token, 16))
    return Pool(kind=kind, address=address, token0=token0, token1=token1, fee_ppm=fee_ppm)


def create_v2(evm: Evm, user: Deployed, tokens: Sequence[str], amounts: tuple[int, int]) -> Pool:
    """Create a pair and give it its first liquidity, `amounts` of token0 and token1."""
    create = CREATE_PAIR.encode_call(*tokens)
    (address,) = CREATE_PAIR.decode_output(evm.call_bytes(V2_FACTORY, create, DEPLOYER))
    evm.send_bytes(V2_FACTORY, create, DEPLOYER)
    pool = _pool(V2, address, tokens, 3000)
    user.send("addV2", address, pool.token0, pool.token1, *amounts)
    return pool


def create_v3(
    evm: Evm,
    user: Deployed,
    tokens: Sequence[str],
    fee_ppm: int,
    positions: Sequence[tuple[int, int, int]],
) -> Pool:
    """Create a pool at price 1 with positions (lower tick, upper tick, liquidity)."""
    create = CREATE_POOL.encode_call(*tokens, fee_ppm)
    (address,) = CREATE_POOL.decode_output(evm.call_bytes(V3_FACTORY, create, DEPLOYER))
    evm.send_bytes(V3_FACTORY, create, DEPLOYER)
    evm.send_bytes(address, INITIALIZE.encode_call(2**96), DEPLOYER)
    for lower, upper, liquidity in positions:
        user.send("addV3", address, lower, upper, liquidity)
    return _pool(V3, address, tokens, fee_ppm)


def _deploy_tokens(evm: Evm) -> dict[str, Deployed]:
    plain, tether, taxed = (
        load_contract(name) for name in ("TestToken", "TetherToken", "FeeToken")
    )
    return {
        "A": evm.deploy(plain, DEPLOYER, "Alpha", "A", 18, DEPLOYER),
        "B": evm.deploy(plain, DEPLOYER, "Beta", "B", 6, DEPLOYER),
        "C": evm.deploy(plain, DEPLOYER, "Gamma", "C", 8, DEPLOYER),
        "T": evm.deploy(tether, DEPLOYER, "Tether", "T", 6, DEPLOYER),
        "F": evm.deploy(taxed, DEPLOYER, "Taxed", "F", 18, DEPLOYER, 100, SINK),
    }


def build_market(evm: Evm) -> Market:
    """Deploy tokens, pools and the executor, and fund an operator who approved Permit2 once."""
    key = Account.from_key(keccak(text="operator of the contract tests"))
    for account in (DEPLOYER, STRANGER, key.address):
        evm.adopt(account)
    executor = evm.deploy(load_contract("RouteExecutor"), DEPLOYER, key.address, PERMIT2)
    market = Market(
        evm=evm,
        key=key,
        executor=replace(executor, sender=key.address),
        user=evm.deploy(load_test_contract("PoolUser"), DEPLOYER),
        tokens=_deploy_tokens(evm),
    )
    for token in market.tokens.values():
        for account in (key.address, STRANGER, market.user.address):
            token.send("mint", account, FUNDS)
        token.send("approve", PERMIT2, ALL, sender=key.address)
    _create_pools(market)
    return market


def _create_pools(market: Market) -> None:
    evm, user = market.evm, market.user
    ranges = [(-60, 60), (-600, 1200), (-6000, 6000), (-887220, 887220)]
    positions = [(lower, upper, 10**21 * (i + 1)) for i, (lower, upper) in enumerate(ranges)]
    for name, fee_ppm in (("AB", 500), ("AB", 3000), ("AT", 3000), ("BC", 3000), ("TC", 500)):
        tokens = [market.token(symbol) for symbol in name]
        market.pools[f"v3 {name} {fee_ppm}"] = create_v3(evm, user, tokens, fee_ppm, positions)
    for name in ("AB", "BT", "AT", "BC", "BF"):
        tokens = [market.token(symbol) for symbol in name]
        market.pools[f"v2 {name}"] = create_v2(evm, user, tokens, (10**22, 2 * 10**22))
