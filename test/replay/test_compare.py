"""Two runs are compared frame by frame: what differs, where first, by how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.pipeline import Result
from neuropose_ros.replay.compare import compare, compare_stream
from neuropose_ros.replay.compare_plot import plot_difference
from neuropose_ros.replay.results import find_results, open_results

from .flow import Recorder, dot_frames, run_live, write_session

LIVE: list[Result] = run_live(dot_frames(20))
POSES: list[PoseFrame] = [result.poses for result in LIVE]


def moved(frame: PoseFrame, by_px: float) -> PoseFrame:
    person = frame.persons[0]
    keypoints = person.keypoints.copy()
    keypoints[3, 0] += by_px
    return replace(frame, persons=(replace(person, keypoints=keypoints),))


def test_the_same_results_are_the_same_wherever_they_lie(tmp_path: Path) -> None:
    session = open_results(write_session(tmp_path / 'session', LIVE))
    bag = open_results(Recorder().results(LIVE).write(tmp_path / 'bag'))
    difference = compare(session, bag)
    assert difference.equal
    assert difference.streams['poses'].frames == 20
    assert max(difference.streams['poses_refined'].keypoint_px) == 0


def test_one_joint_is_found_with_its_place_and_distance() -> None:
    other = [*POSES[:7], moved(POSES[7], 2.5), *POSES[8:]]
    found = compare_stream(POSES, other)
    assert not found.equal
    assert (found.frames, found.differing, found.only_a, found.only_b) == (20, 1, 0, 0)
    assert list(found.columns) == ['person.keypoints']
    column = found.columns['person.keypoints']
    assert column.values == 1
    assert column.largest == pytest.approx(2.5, abs=1e-4)
    assert column.first == 'frame 7, person 0'
    assert found.keypoint_px[7] == pytest.approx(2.5, abs=1e-4)


def test_nan_is_nan_and_timing_is_nothing() -> None:
    nan = moved(POSES[0], np.nan)
    assert compare_stream([nan], [replace(nan, inference_ms=9.0)]).equal
    assert compare_stream([nan], [POSES[0]]).columns['person.keypoints'].values == 1


def test_frames_that_only_one_has_are_counted_and_the_others_still_paired() -> None:
    found = compare_stream(POSES, POSES[3:9] + POSES[10:])
    assert (found.frames, found.differing, found.only_a, found.only_b) == (16, 0, 4, 0)
    found = compare_stream(POSES[5:], POSES)
    assert (found.frames, found.only_a, found.only_b) == (15, 0, 5)


def test_somebody_more_is_seen() -> None:
    person = POSES[2].persons[0]
    found = compare_stream(POSES, [
        *POSES[:2], replace(POSES[2], persons=(person, replace(person, track_id=9))), *POSES[3:]])
    assert found.people == 1
    assert found.columns['number of people'].first == 'frame 2'
    assert np.isnan(found.keypoint_px[2])


def test_streams_of_one_run_alone_make_a_difference(tmp_path: Path) -> None:
    recorder = Recorder().results(LIVE)
    recorder.messages = [message for message in recorder.messages if message[0] == '/poses']
    a = open_results(recorder.write(tmp_path / 'poses'))
    b = open_results(write_session(tmp_path / 'session', LIVE))
    difference = compare(a, b)
    assert (difference.only_a, difference.only_b) == ((), ('poses_refined',))
    assert not difference.equal


def test_results_in_a_folder_are_found_by_name(tmp_path: Path) -> None:
    for name in ('one', 'two'):
        write_session(tmp_path / name, LIVE[:2])
    assert set(find_results(tmp_path)) == {'one', 'two'}
    assert set(find_results(tmp_path / 'one')) == {''}
    with pytest.raises(DataError, match='nothing of that name'):
        find_results(tmp_path / 'three')
    (tmp_path / 'file.txt').write_text('')
    with pytest.raises(DataError, match='no results'):
        open_results(tmp_path / 'file.txt')


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    found = compare_stream(POSES, [moved(frame, 1.0) for frame in POSES])
    for name, streams in (('some', {'poses': found}), ('none', {})):
        file = tmp_path / f'{name}.png'
        plot_difference({'': streams}, 'a and b', file)
        assert file.read_bytes().startswith(b'\x89PNG')
