"""Two lines to arrays: numpy, xarray and pandas say the same as the frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.recording import open_session
from neuropose_ros.recording.writer import SessionWriter

from .people import START_NS, floats, person, pose_frame

FRAMES = [pose_frame(0, person(4, seed=1)), pose_frame(1),
          pose_frame(2, person(2, seed=2, rich=True), person(4, seed=3))]


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    with SessionWriter(tmp_path / 'walk') as writer:
        for frame in FRAMES:
            writer.put_poses(frame)
    return tmp_path / 'walk'


def test_numpy_has_one_place_for_each_individual(walk: Path) -> None:
    poses = open_session(walk).numpy()
    assert poses.individuals == ('track_4', 'track_2') and poses.layout == COCO17
    assert poses.keypoints.shape == (3, 2, 17, 2)
    assert np.array_equal(
        poses.keypoints[2, 0], FRAMES[2].persons[1].keypoints, equal_nan=True)
    assert np.isnan(poses.keypoints[1]).all() and np.isnan(poses.scores[0, 1]).all()
    assert (poses.states[0, 0] == FRAMES[0].persons[0].keypoint_states).all()
    assert poses.keypoints_3d is not None and np.isnan(poses.keypoints_3d[2, 0]).all()
    assert poses.time_s == pytest.approx([0, 1 / 30, 2 / 30])


def test_xarray_has_the_dimensions_of_movement(walk: Path) -> None:
    pytest.importorskip('xarray', reason='needs xarray')
    data = open_session(walk).xarray()
    assert data.position.dims == ('time', 'space', 'keypoints', 'individuals')
    point = data.position.sel(individuals='track_4', keypoints='left_hip').isel(time=2)
    assert np.array_equal(point, FRAMES[2].persons[1].keypoints[COCO17.index('left_hip')])
    assert int(data.stamp_ns[2]) == FRAMES[2].stamp_ns


def test_pandas_has_a_row_for_each_joint_of_those_who_are_there(walk: Path) -> None:
    pytest.importorskip('pandas', reason='needs pandas')
    frame = open_session(walk).pandas()
    assert len(frame) == 3 * 17
    row = frame[(frame.individual == 'track_2') & (frame.keypoint == 'nose')].iloc[0]
    assert row.x_px == FRAMES[2].persons[0].keypoints[0, 0]
    assert row.stamp_ns == FRAMES[2].stamp_ns and row.state == 7


def test_tracks_of_two_epochs_are_two_individuals(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / 'walk') as writer:
        for epoch in (0, 1):
            writer.put_poses(pose_frame(epoch, person(1), person(-1), epoch=epoch))
    assert open_session(tmp_path / 'walk').numpy().individuals == (
        'epoch_0_track_1', 'epoch_0_untracked_1', 'epoch_1_track_1', 'epoch_1_untracked_1')


def test_layouts_that_do_not_fit_into_one_array_are_refused(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / 'walk') as writer:
        writer.put_poses(FRAMES[0])
        writer.put_poses(pose_frame(1, person(1), layout=BLAZEPOSE33.id))
    with pytest.raises(SessionError, match='several layouts'):
        open_session(tmp_path / 'walk').numpy()
    with pytest.raises(SessionError, match=r"no people of 'truth'.*of poses"):
        open_session(tmp_path / 'walk').numpy('truth')


def test_samples_have_the_times_of_their_own_or_of_their_rate(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / 'walk') as writer:
        writer.put_note(SignalInfo('eeg', 'EEG', ('C3', 'C4'), ('uV', 'uV'), 500.0))
        writer.put_signal(SignalChunk(START_NS, 'eeg', 0, floats(1, 3, 2)))
        writer.put_signal(SignalChunk(
            START_NS + 10_000_000, 'eeg', 5, floats(2, 1, 2), lost_samples=2))
        writer.put_signal(SignalChunk(
            START_NS, 'button', 0, floats(3, 2, 1), offsets_ns=np.array([0, 7], np.int64)))
        writer.put_signal(SignalChunk(START_NS, 'unknown', 0, floats(3, 2, 1)))
    session = open_session(tmp_path / 'walk')
    eeg = session.signal('eeg')
    assert (eeg.stamp_ns - START_NS).tolist() == [0, 2_000_000, 4_000_000, 10_000_000]
    assert eeg.data.shape == (4, 2) and eeg.lost_samples == 2 and eeg.info is not None
    assert (session.signal('button').stamp_ns - START_NS).tolist() == [0, 7]
    with pytest.raises(SessionError, match='rate was not recorded'):
        session.signal('unknown')
    with pytest.raises(SessionError, match="no signal 'emg'; there is button, eeg, unknown"):
        session.signal('emg')
