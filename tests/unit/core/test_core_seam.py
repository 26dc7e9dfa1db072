"""What crosses the seam to the Rust core: names, integers, errors."""

import subprocess
import sys

import pytest

import router._core
import router.core
from router.core import CoreError, V2Pool, V3Pool, failure_of
from router.domain.errors import CODES, FailureError, UsageError

ONE_X96 = 2**96
CORE_CODES = (
    "AMOUNT_RANGE",
    "BATCH_INVALID",
    "EMPTY_POOL",
    "ENGINE_BROKEN",
    "ENGINE_BUSY",
    "ENGINE_CLOSED",
    "JOURNAL_ABSENT",
    "JOURNAL_CORRUPT",
    "JOURNAL_DEADLINE",
    "JOURNAL_FAILED",
    "JOURNAL_LOCKED",
    "JOURNAL_OPTIONS",
    "JOURNAL_SEMANTICS",
    "FEED_OUT_OF_STEP",
    "IMAGE_INVALID",
    "INSUFFICIENT_LIQUIDITY",
    "INVALID_POOL",
    "OVERFLOW",
    "NO_ROUTE",
    "ORDER_INVALID",
    "INVALID_REQUEST",
)


def v3_pool() -> V3Pool:
    return V3Pool(3000, 60, ONE_X96, 0, 10**18, [(-60, 10**18, 10**18), (60, 10**18, -(10**18))])


def refusal(code: str) -> CoreError:
    error = CoreError("a sentence")
    error.code, error.message = code, "a sentence"
    return error


def test_every_name_of_the_extension_is_exported_once() -> None:
    offered = {name for name in vars(router._core) if not name.startswith("_")}
    assert offered == set(router.core.__all__) - {"failure_of"}


def test_every_class_says_it_lives_in_router_core() -> None:
    for name in set(router.core.__all__) - {"failure_of"}:
        assert getattr(router.core, name).__module__ == "router.core"


def test_a_refusal_has_code_and_message() -> None:
    with pytest.raises(CoreError) as refused:
        V2Pool(1, 1).quote_exact_in(True, 0)
    assert refused.value.code == "AMOUNT_RANGE"
    assert refused.value.message == str(refused.value)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize("code", CORE_CODES)
def test_every_refusal_becomes_an_error_for_people(code: str) -> None:
    error = failure_of(refusal(code))
    assert error.code in CODES
    assert error.message == "a sentence"
    usage = {"AMOUNT_RANGE", "BATCH_INVALID", "IMAGE_INVALID", "JOURNAL_OPTIONS", "ORDER_INVALID"}
    assert isinstance(error, UsageError if code in usage else FailureError)


def test_a_pool_without_liquidity_reads_as_insufficient_liquidity() -> None:
    for code in ("EMPTY_POOL", "INSUFFICIENT_LIQUIDITY"):
        assert failure_of(refusal(code)).code == "INSUFFICIENT_LIQUIDITY"
    assert failure_of(refusal("NO_ROUTE")).code == "NO_ROUTE"


@pytest.mark.parametrize("amount", [-1, -(2**255), 2**256, 2**4096])
def test_integers_outside_256_bits_are_refused_by_code(amount: int) -> None:
    pool = v3_pool()
    calls = [
        lambda: pool.quote_exact_in(True, amount),
        lambda: pool.quote_exact_out(True, amount),
        lambda: pool.quote_exact_in(True, 1, amount),
        lambda: pool.with_swap(amount, 1, 0),
        lambda: V2Pool(amount, 1),
        lambda: V2Pool(1, 1).quote_exact_in(True, amount),
    ]
    for call in calls:
        with pytest.raises(CoreError) as refused:
            call()
        assert refused.value.code == "AMOUNT_RANGE"


@pytest.mark.parametrize("number", [-(2**200), -(2**31) - 1, 2**31, 2**127, 2**128, 2**256])
def test_pool_numbers_that_no_contract_can_hold_are_an_invalid_pool(number: int) -> None:
    pool = v3_pool()
    calls = [
        lambda: V2Pool(1, 1, number),
        lambda: V3Pool(number, 60, ONE_X96, 0, 0, []),
        lambda: V3Pool(3000, number, ONE_X96, 0, 0, []),
        lambda: V3Pool(3000, 60, ONE_X96, number, 0, []),
        lambda: V3Pool(3000, 60, ONE_X96, 0, number, []),
        lambda: V3Pool(3000, 60, ONE_X96, 0, 0, [(number, 1, 1)]),
        lambda: V3Pool(3000, 60, ONE_X96, 0, 0, [(0, number, 1)]),
        lambda: V3Pool(3000, 60, ONE_X96, 0, 0, [(0, 1, number)]),
        lambda: pool.with_swap(ONE_X96, number, 0),
        lambda: pool.with_swap(ONE_X96, 10**18, number),
        lambda: pool.with_liquidity_change(number, 60, 1),
        lambda: pool.with_liquidity_change(-60, 60, -(2**130)),
    ]
    for call in calls:
        with pytest.raises(CoreError) as refused:
            call()
        assert refused.value.code in {"INVALID_POOL", "INVALID_REQUEST"}


@pytest.mark.parametrize("amount", [1.0, "1", None, b"1"])
def test_what_is_not_an_integer_is_a_type_error(amount: object) -> None:
    with pytest.raises(TypeError):
        V2Pool(1, 1).quote_exact_in(True, amount)  # type: ignore[arg-type]


def test_pools_are_values() -> None:
    assert V2Pool(5, 7) == V2Pool(5, 7, 3000)
    assert V2Pool(5, 7) != V2Pool(5, 7, 2500)
    assert hash(v3_pool()) == hash(v3_pool())
    assert v3_pool() == v3_pool()
    assert v3_pool() != v3_pool().quote_exact_in(True, 10**6).next
    for pool in (V2Pool(5, 7), v3_pool()):
        with pytest.raises(AttributeError):
            pool.fee_ppm = 1


def test_a_quote_carries_the_next_pool_and_leaves_the_first_as_it_was() -> None:
    pool = v3_pool()
    quote = pool.quote_exact_in(True, 10**15)
    assert isinstance(quote.next, V3Pool)
    assert pool == v3_pool()
    assert quote.next.sqrt_price_x96 < pool.sqrt_price_x96
    assert quote.next.ticks == pool.ticks
    assert quote.gas > V2Pool(10**9, 10**9).quote_exact_in(True, 1).gas > 21_000


def test_importing_after_other_extensions_does_not_corrupt_memory() -> None:
    # The exception type was once built from freed memory; it showed as a crash in some processes.
    program = "import pytest, gc, router.core as c; gc.collect(); c.CoreError('x'); print('fine')"
    for _ in range(3):
        answer = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert answer.stdout == "fine\n"
