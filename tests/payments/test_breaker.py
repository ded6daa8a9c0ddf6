"""The limit of calls that wait for PayPal, and the circuit that opens when none is answered."""

import pytest
from prometheus_client import REGISTRY

from payments import breaker as breaker_module
from payments.breaker import FAILURES, PAUSE_SECONDS, WINDOW_SECONDS, Breaker
from payments.gateway import Busy, GatewayError, InProgress, Refused, Unanswered


class Clock:
    """The breaker's time, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(breaker_module, "monotonic", clock)
    return clock


def call(breaker: Breaker, error: Exception | None = None) -> None:
    """Make a call that ends like this; Busy is raised before it begins."""
    if error is None:
        with breaker.admit():
            return
    with pytest.raises(type(error)), breaker.admit():
        raise error


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(2)
    for _ in range(FAILURES):
        call(breaker, Unanswered())
    return breaker


def is_open() -> bool:
    return REGISTRY.get_sample_value("ganh_paypal_circuit_open") == 1


def test_beyond_the_limit_nobody_waits() -> None:
    breaker = Breaker(2)
    with breaker.admit(), breaker.admit():
        assert REGISTRY.get_sample_value("ganh_paypal_calls_in_flight") == 2
        with pytest.raises(Busy), breaker.admit():
            pytest.fail("A third call was let in.")
    call(breaker)
    assert REGISTRY.get_sample_value("ganh_paypal_calls_in_flight") == 0


def test_calls_unanswered_in_a_row_open_the_circuit(clock: Clock) -> None:
    breaker = opened(clock)
    assert is_open()
    with pytest.raises(Busy):
        call(breaker)


@pytest.mark.parametrize("answer", [None, Refused("NO"), InProgress()])
def test_any_answer_shows_that_paypal_is_well(clock: Clock, answer: GatewayError | None) -> None:
    breaker = Breaker(2)
    for _ in range(3):
        for _ in range(FAILURES - 1):
            call(breaker, Unanswered())
        call(breaker, answer)


def test_failures_far_apart_open_nothing(clock: Clock) -> None:
    breaker = Breaker(2)
    for _ in range(3 * FAILURES):
        call(breaker, Unanswered())
        clock.now += WINDOW_SECONDS / (FAILURES - 2)


def test_being_busy_is_no_failure_of_paypal(clock: Clock) -> None:
    breaker = Breaker(1)
    with breaker.admit():
        for _ in range(2 * FAILURES):
            with pytest.raises(Busy):
                call(breaker)
    call(breaker)


def test_after_the_pause_one_call_may_try(clock: Clock) -> None:
    breaker = opened(clock)
    clock.now += PAUSE_SECONDS
    with breaker.admit(), pytest.raises(Busy):
        call(breaker)
    call(breaker)
    assert not is_open()


def test_a_try_that_fails_opens_the_circuit_again(clock: Clock) -> None:
    breaker = opened(clock)
    clock.now += PAUSE_SECONDS
    call(breaker, Unanswered())
    with pytest.raises(Busy):
        call(breaker)
    clock.now += PAUSE_SECONDS
    call(breaker)


def test_a_try_that_ends_in_a_bug_leaves_the_try_to_the_next(clock: Clock) -> None:
    breaker = opened(clock)
    clock.now += PAUSE_SECONDS
    call(breaker, ZeroDivisionError())
    call(breaker)
    assert not is_open()


def test_an_answer_that_comes_late_closes_the_circuit(clock: Clock) -> None:
    breaker = Breaker(2)
    with breaker.admit():
        for _ in range(FAILURES):
            call(breaker, Unanswered())
        assert is_open()
    assert not is_open()
