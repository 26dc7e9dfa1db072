"""Laws over random plans: the pools' own answers, exact conservation, nothing left behind."""

from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.integration.contracts.evm import Reverted
from tests.integration.contracts.market import ALL, STRANGER, V2, Market, Plan, Step

TOKENS = "ABCT"
MAX_STEP = 10**21

on_the_chain = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def pools_of(market: Market, token: str) -> list[str]:
    plain = sorted(name for name in market.pools if "F" not in name)
    return [n for n in plain if token in (market.pools[n].token0, market.pools[n].token1)]


def draw_plan(data: st.DataObject, market: Market) -> Plan:
    """A split of one token over random pools, each leg with up to two more hops."""
    start = market.token(data.draw(st.sampled_from(TOKENS), label="token in"))
    amounts = data.draw(st.lists(st.integers(10**6, MAX_STEP), min_size=1, max_size=4))
    steps: list[Step] = []
    held: set[str] = set()
    for index, amount in enumerate(amounts):
        name = data.draw(st.sampled_from(pools_of(market, start)), label="pool")
        is_last = index == len(amounts) - 1
        steps.append(Step.over(market.pools[name], start, ALL if is_last else amount))
        held.add(steps[-1].token_out)
    for _ in range(data.draw(st.integers(0, 2), label="more hops")):
        token = data.draw(st.sampled_from(sorted(held)), label="hop from")
        name = data.draw(st.sampled_from(pools_of(market, token)), label="hop pool")
        steps.append(Step.over(market.pools[name], token))
        held.remove(token)
        held.add(steps[-1].token_out)
    return market.plan(steps, sum(amounts), outputs=[(token, 1) for token in sorted(held)])


@on_the_chain
@given(data=st.data())
def test_any_split_pays_what_the_pools_give_and_leaves_no_token_and_no_allowance(
    built_market: Market, data: st.DataObject
) -> None:
    market = built_market
    with market.evm.rolled_back():
        strays = data.draw(st.lists(st.sampled_from([0, 1, 10**24]), min_size=5, max_size=5))
        for token, amount in zip(market.tokens.values(), strays, strict=True):
            token.send("transfer", market.executor.address, amount, sender=STRANGER)
        held_before = market.executor_balances()
        plan = draw_plan(data, market)
        expected = market.replay(plan)
        wallet = {t: market.evm.balance(t, market.operator) for t in expected}

        _, amounts_out = market.execute(plan)

        assert amounts_out == [expected[token] for token, _ in plan.outputs]
        paid = dict(zip((token for token, _ in plan.outputs), amounts_out, strict=True))
        for token, before in wallet.items():
            taken = plan.amount_in if token == plan.token_in else 0
            after = market.evm.balance(token, market.operator)
            assert after == before - taken + paid.get(token, 0)
        assert market.executor_balances() == held_before
        assert market.executor_allowances() == {0}


def draw_broken_plan(data: st.DataObject, market: Market) -> Plan:
    """A good plan with a few random defects; some stay good."""
    plan = draw_plan(data, market)
    steps, outputs = list(plan.steps), list(plan.outputs)
    addresses = [market.token(name) for name in market.tokens]
    addresses += [pool.address for pool in market.pools.values()]
    for _ in range(data.draw(st.integers(1, 3), label="defects")):
        index = data.draw(st.integers(0, len(steps) - 1))
        defect = data.draw(
            st.sampled_from(["kind", "pool", "token_in", "token_out", "amount", "fee", "drop"])
        )
        address = data.draw(st.sampled_from(addresses))
        amount = data.draw(st.sampled_from([0, 1, 10**6, plan.amount_in, ALL, ALL - 1, 2**255]))
        changes: dict[str, dict[str, object]] = {
            "kind": {"kind": data.draw(st.integers(0, 2))},
            "pool": {"pool": address},
            "token_in": {"token_in": address},
            "token_out": {"token_out": address},
            "amount": {"amount_in": amount},
            "fee": {"kind": V2, "fee_ppm": data.draw(st.integers(0, 2**24 - 1))},
        }
        if defect == "drop":
            outputs = outputs[: len(outputs) - 1] or outputs
        else:
            steps[index] = replace(steps[index], **changes[defect])  # type: ignore[arg-type]
    return replace(plan, steps=steps, outputs=outputs)


@on_the_chain
@given(data=st.data())
def test_a_broken_plan_reverts_or_still_takes_no_more_than_its_input_and_leaves_strays_alone(
    built_market: Market, data: st.DataObject
) -> None:
    market = built_market
    with market.evm.rolled_back():
        for token in market.tokens.values():
            token.send("transfer", market.executor.address, 10**21, sender=STRANGER)
        held_before = market.executor_balances()
        plan = draw_broken_plan(data, market)
        wallet = {n: t.balance_of(market.operator) for n, t in market.tokens.items()}
        try:
            _, amounts_out = market.execute(plan)
        except Reverted as reverted:
            event(reverted.reason.split("(")[0][:40])
            return
        event("executed")
        paid = dict(zip((token for token, _ in plan.outputs), amounts_out, strict=True))
        for name, before in wallet.items():
            token = market.token(name)
            taken = plan.amount_in if token == plan.token_in else 0
            after = market.evm.balance(token, market.operator)
            assert after == before - taken + paid.get(token, 0)
        assert market.executor_balances() == held_before
