"""Signals that came during a block are raised at its end, not within."""

from __future__ import annotations

import signal

import pytest

from neuropose_ros.cli.demo.interruption import held_signals


def test_a_signal_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), held_signals(signal.SIGINT):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append('all of it')
    assert done


def test_the_handlers_are_those_from_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with held_signals(signal.SIGINT, signal.SIGTERM):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_signals_are_not_held():
    with pytest.raises(KeyboardInterrupt), held_signals(signal.SIGTERM):
        signal.raise_signal(signal.SIGINT)
        pytest.fail('it came too late')


def test_an_error_in_the_block_does_not_lose_the_signal():
    with pytest.raises(KeyboardInterrupt), held_signals(signal.SIGINT):
        signal.raise_signal(signal.SIGINT)
        raise ValueError('first')
