"""Our own bags: markers cut them into labelled clips of the right person."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.bags import Marker, bags_in
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.recordings import (
    Stretch,
    read_recordings,
    stretches,
)

from .bag_writing import Bag, at, frame, person


def session() -> Bag:
    """Sit from 1 to 2 s and wave from 1.5 to 3 s at 10 Hz; track 4 is there longer than 9."""
    bag = Bag()
    bag.frames(frame(i / 10, person(4, i, hidden=3), *([person(9, -i)] if i > 12 else []))
               for i in range(40))
    bag.marker(1, 'sit', 'start')
    bag.marker(1.5, 'wave', ' Start 9 ')
    bag.marker(1.7, 'stimulus_on', '3')
    bag.marker(2, 'sit', 'stop')
    bag.marker(3, 'wave', 'stop')
    return bag


@pytest.mark.parametrize('plugin', list(StoragePlugin))
def test_markers_cut_clips_of_the_person_meant(tmp_path, plugin):
    session().write(tmp_path / 'clinic' / 'p1' / 'monday', plugin)
    findings = Findings()
    clips = read_recordings(tmp_path / 'clinic', findings)
    assert (clips.name, clips.labels.labels, len(findings)) == ('clinic', ('sit', 'wave'), 0)
    sit, wave = clips.clips
    assert (sit.name, sit.label, sit.group) == ('p1/monday/sit_1', 0, 'p1')
    assert sit.times_s == pytest.approx(np.arange(11) / 10)
    assert sit.keypoints[:, 0, 0].tolist() == list(range(10, 21))
    assert wave.keypoints[:, 0, 0].tolist() == [-i for i in range(15, 31)]
    assert sit.scores.max() == 0.75
    assert clips.layout == COCO17


def test_what_is_only_predicted_is_not_known(tmp_path):
    session().write(tmp_path / 'a')
    sit = read_recordings(tmp_path).clips[0]
    assert np.flatnonzero(~sit.measured.all(0)).tolist() == [3]
    assert not sit.measured[:, 3].any()


def test_refined_poses_go_before_others_and_scenes_come_along(tmp_path):
    bag = session()
    bag.frames((frame(i / 10, person(4, 500)) for i in range(40)), '/robot/poses')
    for i in range(8):
        bag.scene(i / 2, np.full(5, i, np.float32))
    bag.write(tmp_path / 'a')
    sit = read_recordings(tmp_path).clips[0]
    assert np.nanmax(sit.keypoints) < 100
    assert sit.scene[:, 0].tolist() == [2, 3, 4]
    assert sit.scene_times_s == pytest.approx([0, 0.5, 1])


def test_poses_are_converted_and_layouts_of_the_bag_are_known(tmp_path):
    own = SkeletonLayout('own', ('left_hip', 'right_hip'), ((0, 1),), ((0, 1),))
    bag = Bag()
    bag.layout(own)
    bag.frames(frame(i / 10, person(1, i, own), layout=own) for i in range(9))
    bag.marker(0, 'sit', 'start')
    bag.marker(0.8, 'sit', 'stop')
    bag.write(tmp_path / 'a')
    assert read_recordings(tmp_path).layout == own
    clips = read_recordings(tmp_path, target=JHMDB15)
    known = clips.clips[0].measured[0]
    assert [JHMDB15.names[i] for i in np.flatnonzero(known)] == ['right_hip', 'left_hip']


def test_untracked_people_share_a_track_and_the_surest_counts(tmp_path):
    bag = Bag()
    sure, unsure = person(-1, 7), person(-1, 9)
    object.__setattr__(unsure, 'score', 0.1)
    bag.frames(frame(i / 10, sure, unsure) for i in range(5))
    bag.marker(0, 'sit', 'start')
    bag.marker(1, 'sit', 'stop')
    bag.write(tmp_path / 'a')
    assert read_recordings(tmp_path).clips[0].keypoints[:, 0, 0].tolist() == [7] * 5


def marker(time_s: float, name: str, value: str) -> Marker:
    return Marker(at(time_s), name, value)


def test_markers_that_do_not_pair_are_listed():
    findings = Findings()
    found = stretches((
        marker(0, 'sit', 'stop'), marker(1, 'sit', 'start'), marker(2, 'sit', 'start'),
        marker(3, 'sit', 'stop'), marker(4, 'walk', 'start'), marker(3.5, 'walk', 'stop'),
        marker(5, 'run', 'start left'), marker(6, 'run', 'stop'), marker(7, 'nod', 'start'),
        marker(8, 'sit', 'start 12'), marker(9, 'sit', 'stop')), 'bag', findings)
    assert found == [Stretch('sit', at(2), at(3)), Stretch('sit', at(8), at(9), 12)]
    problems = [item.problem for item in findings.items]
    assert problems == [
        'it stops without having started', 'it starts again before it has stopped',
        'it stops before it has started: time went back', "'left' behind start is no track id",
        'it stops without having started', 'it starts and never stops']


def test_what_gives_no_clip_is_listed(tmp_path):
    session().write(tmp_path / 'good')
    empty = Bag()
    empty.frames([frame(0.5)])
    empty.marker(0, 'sit', 'start')
    empty.marker(1, 'sit', 'stop')
    empty.marker(2, 'wave', 'start 5')
    empty.marker(3, 'wave', 'stop')
    empty.write(tmp_path / 'empty')
    backwards = Bag()
    backwards.frames([frame(1.2, person(1, 0)), frame(1.1, person(1, 0))])
    backwards.marker(1, 'sit', 'start')
    backwards.marker(2, 'sit', 'stop')
    backwards.write(tmp_path / 'backwards')
    unlabelled = Bag()
    unlabelled.frames([frame(0, person(1, 0))])
    unlabelled.write(tmp_path / 'unlabelled')
    two = session()
    two.frames([frame(0, person(1, 0))], '/other/poses_refined')
    two.write(tmp_path / 'two')
    cut = session().write(tmp_path / 'cut')
    file = next(cut.glob('*.mcap'))
    file.write_bytes(file.read_bytes()[:400])
    odd = SkeletonLayout('odd', ('a', 'b'), (), ())
    for name, stated in (('foreign', odd), ('short', COCO17)):
        bag = Bag()
        bag.frames([frame(0.5, person(1, 0, odd), layout=stated)])
        bag.marker(0, 'sit', 'start')
        bag.marker(1, 'sit', 'stop')
        bag.write(tmp_path / name)
    (tmp_path / 'torn').mkdir()
    (tmp_path / 'torn' / 'metadata.yaml').write_text('a: [')
    findings = Findings()
    assert len(read_recordings(tmp_path, findings)) == 2
    problems = {item.name: item.problem for item in findings.items}
    assert set(problems) == {'empty/sit_1', 'empty/wave_1', 'backwards/sit_1', 'unlabelled',
                             'two', 'cut', 'torn', 'foreign', 'short'}
    assert problems['empty/wave_1'] == 'no track 5 is seen between its markers'
    assert 'time goes back' in problems['backwards/sit_1']
    assert 'EventMarker' in problems['unlabelled']
    assert "unknown layout 'odd@" in problems['foreign']
    assert 'other joints than coco17' in problems['short']
    assert '/other/poses_refined, /poses_refined' in problems['two']


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_whatever_byte_of_a_bag_is_wrong_it_is_one_sentence(tmp_path, plugin):
    folder = session().write(tmp_path / 'bag', plugin)
    file = next(path for path in folder.iterdir() if path.suffix != '.yaml')
    whole, rng = file.read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(len(whole), size=30)] = rng.integers(256, size=30)
        file.write_bytes(damaged.tobytes())
        try:
            read_recordings(folder)
        except DataError:
            refused += 1
    assert refused > 20


def test_bags_are_found_as_folders_and_as_lone_files(tmp_path):
    session().write(tmp_path / 'a')
    session().write(tmp_path / 'p' / 'b')
    lone = session().write(tmp_path / 'tmp')
    next(lone.glob('*.mcap')).rename(tmp_path / 'p' / 'lone.mcap')
    (lone / 'metadata.yaml').unlink()
    names = [path.relative_to(tmp_path).as_posix() for path in bags_in(tmp_path)]
    assert names == ['a', 'p/b', 'p/lone.mcap']
    clips = read_recordings(tmp_path).clips
    assert {clip.group for clip in clips} == {'a', 'p'}
    assert len(clips) == 6
    assert len(read_recordings(tmp_path / 'a')) == 2


def test_a_folder_without_bags_or_clips_is_refused(tmp_path):
    with pytest.raises(DataError, match='there is no bag'):
        read_recordings(tmp_path)
    bag = Bag()
    bag.marker(0, 'sit', 'start')
    bag.write(tmp_path / 'a')
    with pytest.raises(DataError, match='no recording gives a labelled clip'):
        read_recordings(tmp_path)


def test_an_old_bag_without_definitions_is_read_by_those_of_this_version(tmp_path):
    bag = session().write(tmp_path / 'a', StoragePlugin.SQLITE3)
    with sqlite3.connect(next(bag.glob('*.db3'))) as database:
        assert database.execute('DELETE FROM message_definitions').rowcount > 0
    assert len(read_recordings(tmp_path)) == 2
