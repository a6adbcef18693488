"""Times in turns, and peaks of memory that are exact."""

import time
from pathlib import Path

import numpy as np
import pytest

from keras_rbi.evaluation.cost import interleaved_times, peak_bytes

MIB = 2**20

on_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured on Linux only"
)


class Clock:
    """A clock that moves only while a call of `spend` runs."""

    def __init__(self):
        self.now = 0.0

    def spend(self, seconds):
        def call():
            self.now += seconds

        return call


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def test_times_are_taken_in_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ABC"}
    interleaved_times(calls, repeats=2)
    assert order == list("ABCABC")


def test_times_are_those_of_the_calls(clock):
    calls = {"short": clock.spend(0.25), "long": clock.spend(2.0)}
    times = interleaved_times(calls, repeats=2)
    assert times == {"short": [0.25, 0.25], "long": [2.0, 2.0]}


def test_a_form_that_has_taken_its_time_is_not_repeated(clock):
    calls = {"short": clock.spend(0.25), "long": clock.spend(2.0)}
    times = interleaved_times(calls, repeats=5, seconds=3.0)
    assert times == {"short": [0.25] * 5, "long": [2.0] * 2}


def least_peak_of(call):
    """Other threads of a process of many tests may need memory meanwhile, which only adds."""
    return min(peak_bytes(call) for _ in range(3))


@on_linux
def test_peak_counts_memory_that_the_call_gives_back():
    def fill_and_free():
        np.ones(64 * MIB, "uint8")
        return np.ones(16 * MIB, "uint8")

    assert least_peak_of(fill_and_free) == pytest.approx(64 * MIB, abs=4 * MIB)


@on_linux
def test_peak_counts_what_is_held_at_once():
    def fill():
        return np.ones(24 * MIB, "uint8"), np.ones(40 * MIB, "uint8")

    assert least_peak_of(fill) == pytest.approx(64 * MIB, abs=4 * MIB)


@on_linux
def test_peak_does_not_count_what_was_there_before():
    held = np.ones(64 * MIB, "uint8")
    np.ones(64 * MIB, "uint8")
    assert least_peak_of(held.sum) < 4 * MIB


def test_an_error_of_the_call_is_raised():
    """As of a model that cannot be run: the peak is not `None` then, there is none."""

    def broken():
        raise OSError("no such device")

    with pytest.raises(OSError, match="no such device"):
        peak_bytes(broken)


def test_no_peak_is_told_where_the_system_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr("keras_rbi.evaluation.cost.PROCESSES", tmp_path / "none")
    calls = []
    assert peak_bytes(lambda: calls.append(1)) is None
    assert calls == [1]
