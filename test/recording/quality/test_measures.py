"""Measures of a recording, against faults that were put into it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.pose import FrameStatus
from neuropose_ros.recording import open_session
from neuropose_ros.recording.quality.measures import Quality, measure

from .sessions import FRAMES, LATE, LOST, write_empty, write_faulty, write_replay


@pytest.fixture(scope='module')
def quality(tmp_path_factory) -> Quality:
    with open_session(write_faulty(tmp_path_factory.mktemp('faulty') / 'walk')) as session:
        return measure(session)


def test_rate_and_gap(quality):
    assert quality.frames.rate_hz == pytest.approx(30, rel=1e-6)
    assert quality.frames.missing.sum() == len(LOST) and (quality.frames.missing > 0).sum() == 1
    assert np.nanmax(quality.frames.intervals_s) == pytest.approx(5 / 30, rel=1e-6)
    assert quality.duration_s == pytest.approx((FRAMES - 1) / 30, rel=1e-6)


def test_late_skipped_and_nobody(quality):
    [stage] = quality.stages
    ages_s = stage.times.ages_s
    assert (ages_s > 0.5).sum() == len(LATE)
    assert np.median(ages_s) == pytest.approx(0.03)
    assert stage.skipped == 12 and stage.statuses[FrameStatus.NO_PERSON] == 10


def test_joints(quality):
    [stage] = quality.stages
    frames = [i for i in range(FRAMES) if i not in LOST and not 80 <= i < 90]
    hidden = sum(i % 4 == 0 for i in frames)
    assert stage.joints['left_wrist'] == (len(frames) - hidden, len(frames))
    assert stage.joints['nose'] == (len(frames), len(frames))
    assert stage.measured == pytest.approx(1 - 2 * hidden / (17 * len(frames)))


def test_tracks(quality):
    [stage] = quality.stages
    first, second = stage.tracks[0, 1], stage.tracks[0, 2]
    assert first.interruptions == 0  # lost frames interrupt nobody
    assert first.duration_s == pytest.approx(79 / 30) and first.frames == 76
    assert second.duration_s == pytest.approx(29 / 30)
    assert stage.people.max() == 1 and len(stage.samples) == 12


def test_latency_innovation_and_clock(quality):
    [stage] = quality.stages
    assert stage.latencies_ms[0].tolist() == [5, 2, 20, 1]
    assert np.nanmedian(stage.innovations) == pytest.approx(5 / 400, rel=1e-5)
    [clock] = quality.clocks
    assert np.ptp(clock.offsets_s) == pytest.approx(1.1e-3)
    assert clock.lost == 70 and clock.samples == 160


def test_what_the_recorder_said(quality):
    assert quality.losses == {'missing: frame_info': 4}
    assert quality.notes == ('the disk was slow',)


def test_nothing_at_all(tmp_path):
    with open_session(write_empty(tmp_path / 'empty')) as session:
        empty = measure(session)
    assert len(empty.frames) == 0 and empty.duration_s == 0 and np.isnan(empty.frames.rate_hz)


def test_epochs_are_no_gaps_and_a_replay_is_not_late(tmp_path):
    with open_session(write_replay(tmp_path / 'replay')) as session:
        replayed = measure(session)
    assert not replayed.frames_told and replayed.first_stage.topic == 'truth'
    assert replayed.frames.missing.sum() == 0
    assert (~replayed.frames.together).sum() == 1
    assert np.isnan(replayed.frames.ages_s).all() and set(replayed.stages[0].tracks) == {
        (0, 1), (1, 1)}
