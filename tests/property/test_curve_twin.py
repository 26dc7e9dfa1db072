"""The Curve pools exchange as a twin written from the formulas does, balances included."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from router.core import CoreError, StableSwapPool

ONE = 10**18
FEE_ONE = 10**10
ROUNDS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """What the contract stores; `precision` is the amplification's."""

    balances: tuple[int, ...]
    rates: tuple[int, ...]
    amp: int
    precision: int
    fee: int
    admin_fee: int
    multiplier: int
    era: str

    def core(self) -> StableSwapPool:
        return StableSwapPool(
            self.balances,
            self.rates,
            self.amp,
            self.fee,
            amp_precision=self.precision,
            admin_fee=self.admin_fee,
            offpeg_fee_multiplier=self.multiplier,
            era=self.era,
        )

    def invariant(self, scaled: Sequence[int]) -> int:
        count, total = len(scaled), sum(scaled)
        pull, found = self.amp * count, total
        for _ in range(ROUNDS):
            product = found
            for balance in scaled:
                below = balance if self.era == "ng" else balance * count
                product = product * found // (below + (self.era == "original"))
            if self.era == "ng":
                product //= count**count
            above = (pull * total // self.precision + product * count) * found
            rest = (pull - self.precision) * found // self.precision
            before, found = found, above // (rest + (count + 1) * product)
            if abs(found - before) <= 1:
                return found
        raise OverflowError("no convergence")

    def balance(self, scaled: Sequence[int], coin: int, invariant: int) -> int:
        others = [balance for at, balance in enumerate(scaled) if at != coin]
        count, c = len(scaled), invariant
        for balance in others:
            c = c * invariant // (balance * count)
        c = c * invariant * self.precision // (self.amp * count * count)
        b = sum(others) + invariant * self.precision // (self.amp * count) - invariant
        found = invariant
        for _ in range(ROUNDS):
            before, found = found, (found * found + c) // (2 * found + b)
            if abs(found - before) <= 1:
                return found
        raise OverflowError("no convergence")

    def fee_between(self, first: int, second: int) -> int:
        if self.era != "ng" or self.multiplier <= FEE_ONE:
            return self.fee
        nearness = (self.multiplier - FEE_ONE) * 4 * first * second // (first + second) ** 2
        return self.multiplier * self.fee // (nearness + FEE_ONE)

    def exchange(self, coin_in: int, coin_out: int, paid: int) -> tuple[int, list[int]]:
        """Return what the exchange pays and the balances after it."""
        old = [b * rate // ONE for b, rate in zip(self.balances, self.rates, strict=True)]
        new = list(old)
        new[coin_in] += paid * self.rates[coin_in] // ONE
        left = self.balance(new, coin_out, self.invariant(old))
        gross = old[coin_out] - left - (self.era != "original")
        middle = [
            (before + after) // 2
            for before, after in ((old[coin_in], new[coin_in]), (old[coin_out], left))
        ]
        fee = gross * self.fee_between(*middle) // FEE_ONE
        kept = fee * self.admin_fee // FEE_ONE
        out = (gross - fee) * ONE // self.rates[coin_out]
        balances = list(self.balances)
        if self.era == "original":
            balances[coin_in] = new[coin_in] * ONE // self.rates[coin_in]
            balances[coin_out] = (left + fee - kept) * ONE // self.rates[coin_out]
        else:
            balances[coin_in] += paid
            balances[coin_out] -= out + kept * ONE // self.rates[coin_out]
        return out, balances


@st.composite
def twins(draw: st.DrawFn) -> Twin:
    decimals = draw(st.lists(st.sampled_from([6, 8, 18]), min_size=2, max_size=4))
    era = draw(st.sampled_from(["original", "classic", "ng"]))
    precision = 1 if era == "original" else draw(st.sampled_from([1, 100]))
    size = 10 ** draw(st.integers(3, 9))
    return Twin(
        balances=tuple(size * draw(st.integers(50, 2_000)) * 10**d // 1_000 for d in decimals),
        rates=tuple(10 ** (36 - d) * draw(st.integers(900, 1_400)) // 1_000 for d in decimals),
        amp=draw(st.integers(1, 5_000)) * precision,
        precision=precision,
        fee=draw(st.integers(0, 10**8)),
        admin_fee=draw(st.integers(0, FEE_ONE)),
        multiplier=draw(st.sampled_from([0, FEE_ONE, 2 * FEE_ONE, 5 * FEE_ONE])),
        era=era,
    )


@given(twin=twins(), part=st.integers(1, 10**7), forward=st.booleans())
def test_an_exchange_pays_and_leaves_what_the_twin_does(
    twin: Twin, part: int, forward: bool
) -> None:
    coin_in, coin_out = (0, 1) if forward else (1, 0)
    paid = twin.balances[coin_in] * part // 10**7 + 1
    quote = twin.core().quote_exact_in(coin_in, coin_out, paid)
    assert isinstance(quote.next, StableSwapPool)
    assert (quote.amount_out, quote.next.balances) == twin.exchange(coin_in, coin_out, paid)


@given(twin=twins(), part=st.integers(1, 10**6))
def test_the_view_differs_from_the_exchange_by_a_unit_at_most(twin: Twin, part: int) -> None:
    pool = twin.core()
    paid = twin.balances[0] * part // 10**7 + 1
    try:
        quote = pool.quote_exact_in(0, 1, paid)
    except CoreError:
        return
    apart = abs(pool.get_dy(0, 1, paid) - quote.amount_out)
    assert apart <= (twin.era == "original" or twin.precision == 1)
