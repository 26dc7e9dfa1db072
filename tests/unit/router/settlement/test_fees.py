"""What is offered per gas, first and when it has to be raised."""

from hypothesis import given
from hypothesis import strategies as st

from router.settlement import FeePolicy

WEI = st.integers(0, 10**15)


@given(cap=WEI, suggested=st.tuples(WEI, WEI))
def test_a_first_fee_stays_within_the_cap_and_covers_its_tip(
    cap: int, suggested: tuple[int, int]
) -> None:
    max_fee_wei, tip_wei = FeePolicy(cap_wei=cap).first(suggested)
    assert 0 <= tip_wei <= max_fee_wei <= cap


@given(old=st.tuples(WEI, WEI).map(sorted), suggested=st.tuples(WEI, WEI), cap=WEI)
def test_a_replacement_satisfies_every_client_or_is_not_made(
    old: list[int], suggested: tuple[int, int], cap: int
) -> None:
    tip, fee = old
    raised = FeePolicy(cap_wei=cap).replacement((fee, tip), suggested)
    if raised is None:
        assert fee * 1125 > (cap - 1) * 1000 or tip * 1125 > (cap - 1) * 1000
        return
    new_fee, new_tip = raised
    assert new_fee * 1000 >= fee * 1125
    assert new_tip * 1000 >= tip * 1125
    assert new_fee > fee
    assert new_tip > tip
    assert new_tip <= new_fee <= cap
