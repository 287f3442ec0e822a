"""A recording gives the same results every time, and those of the live run where it can."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from neuropose_ros.core.clocks import FILE_EPOCH_NS
from neuropose_ros.core.errors import DataError, NeuroposeError, SourceError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import Frame, JointState
from neuropose_ros.recording import open_session
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.replay.manifest import FILE_NAME, Manifest, read_manifest
from neuropose_ros.replay.open import Choice, open_input
from neuropose_ros.replay.run import Order, replay, request_of
from neuropose_ros.replay.settings import RefinerSettings, Settings

from .flow import START_NS, Recorder, dot_frames, run_live, stages, write_session

PREDICTED, INTERPOLATED = JointState.PREDICTED, JointState.INTERPOLATED
VIDEO = 'synthetic:walk?width=64&height=64&seconds=0.5'


def replayed(path: Path | str, out: Path, *, mode: str = 'ideal', name: str = 'replay',
             settings: Settings | None = None, choice: Choice | None = None,
             overlap: bool = True) -> Manifest:
    order = Order(str(path), name, mode, choice or Choice())
    source, networks = open_input(order.spec, order.choice), stages(settings)
    return replay(order, source, request_of(order, source, networks), networks, out,
                  overlap=overlap)


def loop(frames: list[Frame]) -> list[Frame]:
    """The same pictures a second time, as a bag that is played in a loop."""
    return frames + [replace(frame, epoch=frame.epoch + 1) for frame in frames]


def test_a_video_gives_the_same_results_twice_and_other_parameters_others(tmp_path: Path) -> None:
    first, second = (replayed(VIDEO, tmp_path, name=name) for name in 'ab')
    assert first.sha256 == second.sha256
    assert first.request == second.request
    assert first.counts == {'poses': 15, 'poses_refined': 15}
    other = Settings(refinement=RefinementParameters(acceleration=5.0))
    third = replayed(VIDEO, tmp_path, name='c', settings=other)
    assert third.sha256 != first.sha256
    assert third.request != first.request


def test_the_results_are_a_session_with_a_manifest(tmp_path: Path) -> None:
    manifest = replayed(VIDEO, tmp_path)
    assert read_manifest(tmp_path / 'replay') == manifest
    with open_session(tmp_path / 'replay') as session:
        assert session.closed
        assert session.about.kind == 'replay'
        assert session.about.parameters['pose']['model'] == 'blazepose'
        assert session.about.extra['input_sha256'] == manifest.request.sha256
        assert [info.frame_seq for info in session.frames()] == list(range(15))
        stamps = [poses.stamp_ns for poses in session.poses('poses')]
        assert session.layout(COCO17.id) == COCO17
    assert stamps[0] == FILE_EPOCH_NS
    assert [path.name for path in tmp_path.iterdir()] == ['replay']


@pytest.mark.parametrize('plugin', StoragePlugin, ids=lambda plugin: plugin.name)
def test_a_live_run_of_every_frame_is_replayed_to_the_bit(
    tmp_path: Path, plugin: StoragePlugin,
) -> None:
    frames = dot_frames(30)
    live = run_live(frames)
    bag = Recorder().frames(frames).results(live).write(tmp_path / 'bag', plugin)
    for mode, overlap in (('ideal', True), ('ideal', False), ('as-lived', True)):
        manifest = replayed(bag, tmp_path, mode=mode, name=f'{mode}-{overlap}', overlap=overlap)
        assert manifest.same_as_live == {'poses': True, 'poses_refined': True}
        assert manifest.findings == {}


def test_skips_and_late_feedback_are_lived_again_and_ideal_is_without_them(
    tmp_path: Path,
) -> None:
    frames = dot_frames(60)
    live = run_live(frames, every=3, feedback_lag=2)
    bag = Recorder().frames(frames).results(live).write(tmp_path / 'bag')
    lived = replayed(bag, tmp_path, mode='as-lived', name='lived')
    assert lived.same_as_live == {'poses': True, 'poses_refined': True}
    assert (lived.frames, lived.skipped) == (20, 40)
    ideal = replayed(bag, tmp_path, name='ideal')
    assert (ideal.frames, ideal.skipped) == (60, 0)
    assert ideal.same_as_live == {'poses': False, 'poses_refined': False}


def test_late_feedback_alone_makes_the_difference(tmp_path: Path) -> None:
    frames = dot_frames(40)
    bag = Recorder().frames(frames).results(run_live(frames, feedback_lag=2)).write(
        tmp_path / 'bag')
    assert replayed(bag, tmp_path, mode='as-lived', name='lived').same_as_live['poses']
    assert not replayed(bag, tmp_path, name='ideal').same_as_live['poses']


def test_a_looped_bag_is_replayed_with_one_reset(tmp_path: Path) -> None:
    frames = loop(dot_frames(20))
    bag = Recorder().frames(frames).results(run_live(frames)).write(tmp_path / 'bag')
    for mode in ('ideal', 'as-lived'):
        manifest = replayed(bag, tmp_path, mode=mode, name=mode)
        assert manifest.same_as_live == {'poses': True, 'poses_refined': True}
        assert manifest.restarts == 1


def test_a_foreign_camera_is_numbered_on_arrival_and_time_may_jump_back(tmp_path: Path) -> None:
    frames = dot_frames(20) + dot_frames(20, start_ns=START_NS - 3600 * 10**9)
    bag = Recorder().frames(frames, info=False).write(tmp_path / 'bag')
    manifest = replayed(bag, tmp_path)
    assert manifest.restarts == 1
    with open_session(tmp_path / 'replay') as session:
        found = list(session.poses('poses'))
    assert [poses.frame_seq for poses in found] == list(range(40))
    assert all(poses.seq_is_local for poses in found)
    assert {poses.epoch for poses in found} == {0, 1}


def test_a_session_without_pictures_is_refined_anew(tmp_path: Path) -> None:
    live = run_live(dot_frames(30), every=2)
    session = write_session(tmp_path / 'live', live)
    manifest = replayed(session, tmp_path)
    assert manifest.request.kind == 'session'
    assert manifest.same_as_live == {'poses': True, 'poses_refined': True}
    other = Settings(refinement=RefinementParameters(acceleration=5.0))
    changed = replayed(session, tmp_path, name='other', settings=other)
    assert changed.same_as_live == {'poses': True, 'poses_refined': False}


def test_a_session_with_a_bag_is_replayed_from_its_pictures(tmp_path: Path) -> None:
    frames = dot_frames(40)
    live = run_live(frames, every=2, feedback_lag=1)
    session = write_session(tmp_path / 'live', live)
    bag = Recorder().frames(frames).write(tmp_path / 'bag')
    (session / 'bag').mkdir()
    shutil.copy(next(bag.glob('*.mcap')), session / 'bag')  # no metadata: it was killed
    manifest = replayed(session, tmp_path, mode='as-lived')
    assert manifest.same_as_live == {'poses': True, 'poses_refined': True}
    assert manifest.skipped == 20
    poses = replayed(session, tmp_path, name='poses', choice=Choice('none'))
    assert poses.counts == {'poses': 20, 'poses_refined': 20}


def test_subjects_of_a_session_stay_those_of_its_replay(tmp_path: Path) -> None:
    subject = Subject('s-' + 'a' * 16, '0' * 8, frozenset({'measurements'}), date(2031, 1, 1),
                      ((0, 1),))
    with SessionWriter(tmp_path / 'live', About(subjects=(subject,))) as writer:
        for result in run_live(dot_frames(3)):
            writer.put_poses(result.poses, 'poses')
    replayed(tmp_path / 'live', tmp_path)
    with open_session(tmp_path / 'replay') as session:
        assert session.about.subjects == (replace(subject, tracks=()),)


def test_compressed_pictures_and_another_topic_are_read(tmp_path: Path) -> None:
    bag = Recorder().frames(dot_frames(5), compressed=True).write(tmp_path / 'bag')
    assert replayed(bag, tmp_path).frames == 5
    recorder = Recorder().frames(dot_frames(5), info=False)
    recorder.messages = [('/eye/rgb', message) for _, message in recorder.messages]
    bag = recorder.write(tmp_path / 'eye')
    assert replayed(bag, tmp_path, name='eye-replay', choice=Choice(topic='/eye/rgb')).frames == 5
    with pytest.raises(DataError, match='/eye/rgb'):
        open_input(str(bag), Choice(topic='/eye/depth'))


def test_a_picture_that_cannot_be_read_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    recorder = Recorder().frames(dot_frames(10))
    recorder.messages[9][1].step = 1
    manifest = replayed(recorder.write(tmp_path / 'bag'), tmp_path)
    assert (manifest.frames, manifest.errors) == (10, 1)
    assert manifest.findings == {'unreadable_pictures': 1}


def test_depth_that_is_not_used_is_said(tmp_path: Path) -> None:
    recorder = Recorder().frames(dot_frames(3))
    recorder.messages += [('/depth/image_raw', message) for topic, message in recorder.messages
                          if topic == '/image_raw']
    manifest = replayed(recorder.write(tmp_path / 'bag'), tmp_path)
    assert manifest.frames == 3
    assert manifest.findings == {'unused_depth': '/depth/image_raw'}


def test_a_torn_bag_is_replayed_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = Recorder().frames(dot_frames(60)).write(tmp_path / 'bag', StoragePlugin.SQLITE3)
    file = next(folder.glob('*.db3'))
    file.write_bytes(file.read_bytes()[:file.stat().st_size * 2 // 3])
    (folder / 'metadata.yaml').unlink()
    manifest = replayed(folder, tmp_path)
    assert 30 < manifest.frames < 60
    assert 'damaged after' in str(manifest.findings['damage'])


def test_stamps_of_two_clocks_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    real, simulated = dot_frames(6), dot_frames(6, start_ns=10**9)
    woven = [frame for pair in zip(real, simulated, strict=True) for frame in pair]
    mixed = Recorder().frames(woven, info=False).write(tmp_path / 'woven')
    recorder = Recorder().frames(simulated).results(run_live(real))
    recorder.messages = [message for message in recorder.messages if message[0] != '/frame_info']
    apart = recorder.write(tmp_path / 'apart')
    out = tmp_path / 'out'
    out.mkdir()
    for bag in (mixed, apart):
        with pytest.raises(DataError, match='two clocks'):
            replayed(bag, out)
    assert list(out.iterdir()) == []


def test_what_cannot_be_replayed_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    poses = Recorder().results(run_live(dot_frames(3)))
    poses.messages = [message for message in poses.messages if message[0] == '/poses_refined']
    refined = poses.write(tmp_path / 'refined')
    two = Recorder().frames(dot_frames(2))
    two.messages += [(f'/second{topic}', message) for topic, message in two.messages]
    cameras = two.write(tmp_path / 'cameras')
    for path, error, words in (
            (tmp_path / 'nowhere', SourceError, 'no such recording'),
            (tmp_path / 'empty', DataError, 'empty'),
            ('/dev/null', SourceError, 'null'),
            (refined, DataError, 'it has no image_raw'),
            (cameras, DataError, '--namespace /second')):
        with pytest.raises(error, match=words):
            replayed(path, tmp_path)
    assert replayed(cameras, tmp_path, choice=Choice(namespace='/second')).frames == 2
    with pytest.raises(DataError, match='--mode ideal'):
        replayed(VIDEO, tmp_path, mode='as-lived')


def test_two_replays_do_not_write_one_folder(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / '.replay.partial'):
        with pytest.raises(NeuroposeError, match='another replay'):
            replayed(VIDEO, tmp_path)
        assert (tmp_path / '.replay.partial' / 'session.sqlite').is_file()
    assert replayed(VIDEO, tmp_path).frames == 15
    assert [path.name for path in tmp_path.iterdir()] == ['replay']


def test_a_manifest_that_is_damaged_or_newer_is_refused(tmp_path: Path) -> None:
    replayed(VIDEO, tmp_path)
    file = tmp_path / 'replay' / FILE_NAME
    text = file.read_text()
    for content in (text[:50], text.replace('"format": 2', '"format": 99')):
        file.write_text(content)
        with pytest.raises(NeuroposeError, match=FILE_NAME):
            read_manifest(tmp_path / 'replay')


@pytest.mark.parametrize('overlap', [True, False])
def test_a_lag_gives_one_result_for_each_frame_with_what_is_known_of_it(
    tmp_path: Path, overlap: bool,
) -> None:
    frames = loop(dot_frames(20))
    bag = Recorder().frames(frames).results(run_live(frames)).write(tmp_path / 'bag')
    settings = Settings(refinement=RefinementParameters(lag_frames=5))
    manifest = replayed(bag, tmp_path, settings=settings, overlap=overlap)
    assert manifest.counts == {'poses': 40, 'poses_refined': 40}
    assert manifest.same_as_live == {'poses': True, 'poses_refined': False}
    with open_session(tmp_path / 'replay') as session:
        found = [(one.epoch, one.frame_seq) for one in session.poses('poses_refined')]
        assert found == [(info.epoch, info.frame_seq) for info in session.frames()]
        assert found == [(frame.epoch, frame.frame_seq) for frame in frames]


def test_offline_each_frame_is_refined_by_the_whole_recording(tmp_path: Path) -> None:
    frames = dot_frames(40)
    # For a moment nobody is found; somebody stands there all the same.
    gap = range(20, 26)
    live = [replace(result, poses=replace(result.poses, persons=())) if index in gap else result
            for index, result in enumerate(run_live(frames))]
    session = write_session(tmp_path / 'live', live)
    offline = Settings(refiner=RefinerSettings(refine='offline'))
    first, second = (replayed(session, tmp_path, name=name, settings=offline) for name in 'ab')
    assert first.sha256 == second.sha256
    assert first.request.parameters['refinement']['refine'] == 'offline'
    causal = replayed(session, tmp_path, name='c')
    assert first.counts == causal.counts == {'poses': 40, 'poses_refined': 40}
    assert first.streams['poses'] == causal.streams['poses']

    def errors_px(name: str) -> np.ndarray:
        with open_session(tmp_path / name) as opened:
            refined = list(opened.poses('poses_refined'))
        states = refined[gap[2]].persons[0].keypoint_states
        assert (states == (PREDICTED if name == 'c' else INTERPOLATED)).all()
        return np.array([np.linalg.norm(
            refined[index].persons[0].keypoints - truth[index].refined.persons[0].keypoints,
            axis=1).mean() for index in gap])

    truth = run_live(frames)
    assert errors_px('a').mean() < 0.5 * errors_px('c').mean()
