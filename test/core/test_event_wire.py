"""Signals, events and measures survive their messages, over both wires."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from neuropose_ros.core import event_wire
from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker, MovementMetric
from neuropose_ros.core.signals import SignalChunk, SignalInfo

STAMP_NS = 1_700_000_001_999_999_999
DATA = np.arange(6, dtype=np.float32).reshape(3, 2)
CHUNK = SignalChunk(
    STAMP_NS, 'eeg', 2 ** 40, DATA, 'head', None, 'amplifier', 1.5, 0.001, 7)
CORRECTION = Correction(
    STAMP_NS, 'c1', CorrectionKind.KEYPOINTS, 'walk', 3, 4, 5, 6, 'sit',
    np.array([0, 65535], np.uint16), DATA[:2], 's-a', 2, 'c0', 'camera')
METRIC = MovementMetric(STAMP_NS, 4, 'cadence', 1.75, 'Hz', 5, 6, 1.5, 2.0, True, 'camera')


def assert_same(got, expected):
    for item in fields(expected):
        first, second = getattr(got, item.name), getattr(expected, item.name)
        if isinstance(second, np.ndarray):
            np.testing.assert_array_equal(first, second, err_msg=item.name)
            assert first.dtype == second.dtype
        else:
            assert (first, type(first)) == (second, type(second)), item.name


@pytest.mark.parametrize(('name', 'value'), [
    ('signal_info', SignalInfo('eeg', 'EEG', ('C3', 'C4'), ('uV', 'uV'), 500.0)),
    ('signal_chunk', CHUNK),
    ('signal_chunk', replace(CHUNK, offsets_ns=np.array([0, 5, 2 ** 40], np.int64))),
    ('event', EventMarker(STAMP_NS, 'stimulus', 'on', 'camera')),
    ('correction', CORRECTION),
    ('correction', replace(CORRECTION, keypoints=None, keypoint_indices=None)),
])
def test_a_value_survives_its_message(wire, name, value):
    to_message = getattr(event_wire, f'{name}_to_message')
    from_message = getattr(event_wire, f'{name}_from_message')
    assert_same(from_message(wire.over_the_wire(to_message(value, wire.types))), value)


def test_measures_survive_their_message(wire):
    message = event_wire.metrics_to_message((METRIC, replace(METRIC, name='x')), 9, wire.types)
    first, second = event_wire.metrics_from_message(wire.over_the_wire(message))
    assert_same(first, METRIC)
    assert second.name == 'x' and message.header.stamp.nanosec == 9


def test_a_kind_of_correction_from_a_newer_version_is_unknown(wire):
    message = event_wire.correction_to_message(CORRECTION, wire.types)
    message.kind = 200
    assert event_wire.correction_from_message(message).kind is CorrectionKind.UNKNOWN


@pytest.mark.parametrize(('channels', 'values', 'times', 'says'), [
    (4, 6, 0, 'do not make whole samples'), (0, 6, 0, 'do not make whole samples'),
    (2, 6, 2, '2 times for 3 samples')])
def test_samples_that_do_not_fit_are_refused(wire, channels, values, times, says):
    message = event_wire.signal_chunk_to_message(CHUNK, wire.types)
    message.channels = channels
    message.data = wire.types.sequence(np.zeros(values), 'float32')
    message.offsets_ns = wire.types.sequence(np.zeros(times), 'int64')
    with pytest.raises(ValueError, match=says):
        event_wire.signal_chunk_from_message(message)


def test_a_correction_needs_two_coordinates_for_each_joint(wire):
    message = event_wire.correction_to_message(CORRECTION, wire.types)
    message.keypoints = wire.types.sequence(np.zeros(3), 'float32')
    with pytest.raises(ValueError, match='2 joints but has 3 coordinates'):
        event_wire.correction_from_message(message)
