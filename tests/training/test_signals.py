"""A signal is a wish that the loop sees; the same wish told twice is one, and a later one acts at once."""

import signal

import pytest

from losslang.training import signals
from losslang.training.signals import caught_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_that_is_told_twice_is_one(number):
    with caught_signals() as pending:
        signal.raise_signal(number)
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
    assert pending.number == number


def test_a_later_one_acts_as_usual(monkeypatch):
    monkeypatch.setattr(signals, "ONE_WISH", -1.0)
    was = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore Ctrl-C
    with caught_signals() as pending:
        signal.raise_signal(signal.SIGINT)
        assert pending.number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, was) is signal.default_int_handler
