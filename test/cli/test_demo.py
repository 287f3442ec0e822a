"""The demo: its figures from fabricated recordings, its files read back, and the real thing."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from neuropose_ros.cli.demo import files, graph, window
from neuropose_ros.cli.demo.recording import Recording
from neuropose_ros.cli.demo.scoring import score
from neuropose_ros.cli.demo.spool import ImageSpool
from neuropose_ros.cli.demo.summary import table, to_json
from neuropose_ros.cli.demo.video import annotate, write_video
from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.wire import FrameInfo

from ..recognisers import write_arm_recogniser

START_NS = 1_700_000_000_000_000_000
STEP_NS = 33_333_333


def person(number: int, offset_px: float = 0.0, steps_per_min: float = 100.0) -> PersonPose:
    """Somebody walking to the right, 200 px tall."""
    phase = 2 * math.pi * steps_per_min / 120 * number / 30
    places = {'nose': (0, 0), 'left_eye': (3, -3), 'right_eye': (-3, -3), 'left_ear': (6, 0),
              'right_ear': (-6, 0)}
    for side, sign in (('left', 1), ('right', -1)):
        swing = sign * math.sin(phase)
        places |= {f'{side}_shoulder': (sign * 5, 25), f'{side}_elbow': (-12 * swing, 55),
                   f'{side}_wrist': (-24 * swing, 85), f'{side}_hip': (sign * 3, 90),
                   f'{side}_knee': (25 * swing, 140), f'{side}_ankle': (45 * swing, 190)}
    points = np.array([places[name] for name in COCO17.names], np.float32)
    points += np.array([150 + number, 60], np.float32)
    low = points.min(0)
    box = np.concatenate([low, low + np.float32([100, 200])])
    return PersonPose(
        points + np.float32(offset_px), np.ones(17, np.float32),
        np.full(17, JointState.MEASURED, np.uint8), box, score=0.9, track_id=3,
        track_state=TrackState.CONFIRMED)


def frame(number: int, epoch: int = 0, stage: str = 'refinement', **changes) -> PoseFrame:
    values = {
        'status': FrameStatus.OK, 'persons': (person(number),), 'stage': stage, 'epoch': epoch,
        'receive_ms': 1.0, 'preprocess_ms': 0.0, 'inference_ms': 0.0, 'postprocess_ms': 0.5}
    return PoseFrame(
        START_NS + number * STEP_NS, number, COCO17.id, 640, 480, **{**values, **changes})


def info(number: int, epoch: int = 0, source: str = 'synthetic:front_walk') -> FrameInfo:
    return FrameInfo(START_NS + number * STEP_NS, number, epoch=epoch, source=source)


def recorded(numbers: range, *, truth: bool = True, unanswered: frozenset[int] = frozenset(),
             seconds: float = 60.0) -> Recording:
    """Two scenes, the second from the middle on."""
    recording = Recording(seconds, 'synthetic:demo')
    for number in numbers:
        epoch = int(number >= len(numbers) / 2)
        source = ('synthetic:front_walk', 'synthetic:dim')[epoch]
        recording.add_info(info(number, epoch, source))
        if truth:
            recording.add_truth(frame(number, epoch, 'truth'))
        if number not in unanswered:
            poses = frame(number, epoch, 'pose', preprocess_ms=2.0, inference_ms=20.0)
            recording.add_poses(poses, poses.stamp_ns + 25_000_000)
            recording.add_refined(frame(number, epoch), poses.stamp_ns + 30_000_000)
    return recording


# -- the recording ---------------------------------------------------------------------------


def test_a_run_has_the_frames_of_its_seconds_and_no_more():
    recording = recorded(range(61), seconds=2)
    assert len(recording.refined) == 60
    assert recording.over
    assert recording.complete
    assert recording.elapsed_s == pytest.approx(59 / 30, abs=1e-6)
    assert recording.rate_hz == pytest.approx(30, rel=1e-6)


def test_a_run_is_not_complete_before_its_last_frame_is_answered():
    recording = recorded(range(61), seconds=2, unanswered=frozenset({59}))
    assert recording.over
    assert not recording.complete
    recording.add_refined(frame(59, 1), 0)
    assert recording.complete


def test_a_run_ended_early_waits_for_its_last_frame_and_takes_no_later_one():
    recording = recorded(range(30), unanswered=frozenset({29}))
    recording.end()
    assert not recording.complete
    recording.add_info(info(30, 1))
    recording.add_refined(frame(29, 1), 0)
    assert recording.complete
    assert recording.dropped == 0
    assert len(recording.declared) == 30


def test_unanswered_frames_are_dropped_wherever_they_are():
    assert recorded(range(40)).dropped == 0
    assert recorded(range(40), unanswered=frozenset({0, 17, 39})).dropped == 3


def test_gaps_in_the_declared_sequence_are_dropped_frames():
    recording = Recording(60, '')
    for number in (0, 1, 2, 7, 8):
        recording.add_info(info(number))
        recording.add_refined(frame(number), 0)
    assert list(recording.declared) == list(range(9))
    assert recording.dropped == 4


def test_frames_before_the_first_one_heard_of_count_if_the_graph_was_started_for_this():
    for from_start, dropped in ((True, 5), (False, 0)):
        recording = Recording(60, '', from_start=from_start)
        for number in (5, 6, 7):
            recording.add_info(info(number))
            recording.add_refined(frame(number), 0)
        assert recording.dropped == dropped


@pytest.mark.parametrize('status, dropped', [
    (FrameStatus.NO_PERSON, 0), (FrameStatus.ERROR, 1), (FrameStatus.SKIPPED, 1),
])
def test_an_error_is_no_answer_but_nobody_is_one(status, dropped):
    recording = Recording(60, '')
    for number in range(3):
        recording.add_info(info(number))
        recording.add_refined(
            frame(number, status=status, persons=()) if number == 1 else frame(number), 0)
    assert recording.dropped == dropped


def test_without_declared_frames_the_local_numbers_count():
    recording = Recording(60, 'topic:/camera/image', from_start=False)
    for number in (4, 5, 8):
        recording.add_poses(frame(number, stage='pose'), 0)
    for number in (4, 8):
        recording.add_refined(frame(number), 0)
    assert recording.dropped == 3
    assert [segment.scene for segment in recording.segments()] == ['image']


def test_scenes_are_told_apart_by_epoch_and_source():
    segments = recorded(range(20), unanswered=frozenset({12})).segments()
    assert [(s.scene, s.epoch, s.declared, s.dropped) for s in segments] == [
        ('front_walk', 0, range(10), 0), ('dim', 1, range(10, 20), 1)]
    assert len(segments[1].truth) == 10


def test_frames_skipped_at_a_change_of_scene_are_dropped_by_the_new_scene():
    recording = Recording(60, '')
    for number in (1, 2, 3, 7, 8):
        epoch = int(number > 3)
        recording.add_info(info(number, epoch, ('synthetic:side_walk', 'synthetic:dim')[epoch]))
        recording.add_refined(frame(number, epoch), 0)
    assert [(s.declared, s.dropped) for s in recording.segments()] == [
        (range(4), 1), (range(4, 9), 3)]
    assert recording.dropped == 4


# -- figures ---------------------------------------------------------------------------------


def test_perfect_answers_score_perfectly():
    figures = score(recorded(range(240)), {'front_walk': 100.0, 'dim': 100.0})
    assert figures.accuracy.pck == 1
    assert figures.accuracy.mean_error_pct == 0
    assert figures.cadence_error_pct < 1
    assert figures.frames == 240
    assert figures.fps == pytest.approx(30, rel=1e-3)
    assert [scene.scene for scene in figures.scenes] == ['front_walk', 'dim']


def test_pck_is_over_visible_joints_of_answered_frames():
    recording = recorded(range(10), unanswered=frozenset({9}))
    hidden = np.full(17, JointState.MEASURED, np.uint8)
    hidden[:7] = JointState.OCCLUDED
    stamp_ns = START_NS
    true = recording.truth[stamp_ns].persons[0]
    recording.truth[stamp_ns] = frame(
        0, stage='truth', persons=(replace(true, keypoint_states=hidden),))
    points = true.keypoints.copy()
    points[:8] += 50  # seven of these eight are hidden
    recording.add_refined(frame(0, persons=(replace(person(0), keypoints=points),)), 0)
    accuracy = score(recording, {}).accuracy
    assert len(accuracy.distances) == 10 + 8 * 17
    assert accuracy.pck == pytest.approx(1 - 1 / 146)


def test_the_box_is_measured_by_its_larger_side():
    recording = recorded(range(1))
    recording.add_refined(frame(0, persons=(person(0, offset_px=15 / math.sqrt(2)),)), 0)
    accuracy = score(recording, {}).accuracy
    assert accuracy.mean_error_pct == pytest.approx(100 * 15 / 200, rel=1e-3)
    assert accuracy.pck == 1
    recording.add_refined(frame(0, persons=(person(0, offset_px=21 / math.sqrt(2)),)), 0)
    assert score(recording, {}).accuracy.pck == 0


def test_a_person_not_found_has_all_joints_wrong():
    recording = recorded(range(2))
    recording.add_refined(frame(1, 1, persons=(), status=FrameStatus.NO_PERSON), 0)
    assert score(recording, {}).accuracy.pck == 0.5


def test_cadence_comes_from_the_refined_poses_alone():
    recording = recorded(range(240))
    for number in range(240):
        walker = person(number, steps_per_min=120)
        recording.add_refined(frame(number, int(number >= 120), persons=(walker,)), 0)
    figures = score(recording, {'front_walk': 100.0, 'dim': 120.0})
    assert figures.scenes[0].cadence.steps_per_min == pytest.approx(120, rel=0.02)
    assert figures.scenes[0].cadence_error_pct == pytest.approx(20, abs=2)
    assert figures.cadence_error_pct == figures.scenes[0].cadence_error_pct


def test_a_true_cadence_that_was_not_found_is_not_hidden():
    figures = score(recorded(range(20)), {'front_walk': 100.0})
    assert math.isnan(figures.cadence_error_pct)
    assert figures.scenes[1].cadence_error_pct is None
    assert to_json(figures, 1.0, {})['cadence_error_pct'] is None
    assert 'front_walk: no cadence: only' in table(figures, {}, [])


def test_latencies_are_those_of_the_stages():
    figures = score(recorded(range(30)), {})
    p50 = {stage: pair[0] for stage, pair in figures.latencies_ms.items()}
    assert p50 == pytest.approx({
        'receive': 1.0, 'preprocess': 2.0, 'inference': 20.0, 'postprocess': 0.5,
        'refinement': 0.5, 'end_to_end': 30.0})


def test_the_json_object_has_the_promised_keys():
    figures = score(recorded(range(240)), {'front_walk': 100.0, 'dim': 100.0})
    text = json.dumps(to_json(figures, 1.234, {'csv': Path('/x/keypoints.csv')}), allow_nan=False)
    record = json.loads(text)
    assert {'frames', 'fps', 'dropped', 'pck@0.1', 'cadence_error_pct', 'latency_ms',
            'files'} <= record.keys()
    assert record['latency_ms']['inference'] == {'p50': 20.0, 'p99': 20.0}
    assert record['files'] == {'csv': '/x/keypoints.csv'}
    assert [scene['scene'] for scene in record['scenes']] == ['front_walk', 'dim']


def test_without_truth_nothing_is_said_of_accuracy():
    figures = score(recorded(range(20), truth=False), {'front_walk': 100.0})
    assert figures.accuracy is None
    assert figures.cadence_error_pct is None
    assert 'PCK@0.1 of the box' not in table(figures, {}, [])
    assert to_json(figures, 1.0, {})['pck@0.1'] is None


def test_a_run_without_any_answer_is_summarised():
    recording = recorded(range(20), unanswered=frozenset(range(20)))
    figures = score(recording, {'front_walk': 100.0})
    assert figures.dropped == figures.frames == 20
    assert json.dumps(to_json(figures, 1.0, {}), allow_nan=False)
    assert 'dropped 20' in table(figures, {}, [])


# -- files -----------------------------------------------------------------------------------


def test_the_csv_has_a_row_for_every_joint_and_every_empty_frame(tmp_path):
    recording = recorded(range(4), truth=False)
    unknown = replace(person(1), keypoints=np.full((17, 2), np.nan, np.float32),
                      keypoint_states=np.full(17, JointState.MISSING, np.uint8))
    recording.add_refined(frame(1, persons=(unknown,)), 0)
    recording.add_refined(frame(2, 1, persons=(), status=FrameStatus.NO_PERSON), 0)
    path = tmp_path / 'keypoints.csv'
    count = files.write_csv(path, recording)
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert count == len(rows) == 3 * 17 + 1
    assert tuple(rows[0]) == files.COLUMNS
    nose = rows[0]
    assert (nose['stamp_ns'], nose['scene'], nose['joint'], nose['state']) == (
        str(START_NS), 'front_walk', 'nose', 'MEASURED')
    assert (float(nose['x_px']), float(nose['y_px'])) == (150, 60)
    assert (rows[17]['x_px'], rows[17]['state']) == ('', 'MISSING')
    empty = rows[34]
    assert (empty['status'], empty['joint'], empty['track_id']) == ('NO_PERSON', '', '')


def test_the_csv_holds_the_truth_beside_the_estimate(tmp_path):
    path = tmp_path / 'keypoints.csv'
    files.write_csv(path, recorded(range(2)))
    with path.open(newline='') as file:
        stages = [row['stage'] for row in csv.DictReader(file)]
    assert stages.count('truth') == stages.count('refinement') == 34


@pytest.mark.parametrize('truth', [True, False])
def test_the_plot_is_written_for_any_run(tmp_path, truth):
    path = tmp_path / 'plot.png'
    files.write_plot(path, recorded(range(30), truth=truth))
    assert path.read_bytes().startswith(b'\x89PNG')


def test_the_plot_of_a_run_without_people_is_written(tmp_path):
    path = tmp_path / 'plot.png'
    files.write_plot(path, recorded(range(5), unanswered=frozenset(range(5))))
    assert path.read_bytes().startswith(b'\x89PNG')


def test_the_video_plays_at_the_times_of_acquisition(tmp_path):
    import av

    path = tmp_path / 'video.mp4'
    times_ms = [0, 33, 67, 167, 200]
    images = [(START_NS + ms * 1_000_000, np.full((47, 61, 3), 40 * index, np.uint8))
              for index, ms in enumerate(times_ms)]
    assert write_video(path, images, 30.0) == 5
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.pix_fmt == 'yuv420p'
        assert (stream.width, stream.height) == (62, 48)
        frames = list(container.decode(stream))
    assert [round(1000 * item.time) for item in frames] == times_ms
    means = [item.to_ndarray(format='gray').mean() for item in frames]
    assert means == pytest.approx([0, 40, 80, 120, 160], abs=6)


def test_images_of_another_size_fit_into_the_video(tmp_path):
    import av

    path = tmp_path / 'video.mp4'
    images = [(0, np.zeros((48, 64, 3), np.uint8)), (10**8, np.zeros((96, 96, 3), np.uint8))]
    assert write_video(path, images, 10.0) == 2
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 2


def test_no_images_make_no_video(tmp_path):
    path = tmp_path / 'video.mp4'
    assert write_video(path, [], 30.0) == 0
    assert not path.exists()


def doing(label: str, *, reason: str = '', track_id: int = 3) -> Action:
    return Action(
        track_id, 0, 0, 9, 1.0, np.array((0.9, 0.1), np.float32), top_index=-1 if reason else 0,
        top_label='unknown' if reason else label, reason=reason)


def test_actions_are_counted_for_each_scene():
    recording = recorded(range(40))
    for number in range(40):
        label = 'walk' if number % 4 else 'wave'
        recording.add_actions(ActionFrame(
            START_NS + number * STEP_NS, number, 'gait@1234', 'tiny',
            actions=(doing(label),) if number < 20 else ()))
    recording.add_actions(ActionFrame(
        START_NS, 0, 'gait@1234', 'tiny', actions=(doing('', reason='too_short'),)))
    figures = score(recording, {})
    assert figures.scenes[0].actions == {
        'walk': pytest.approx(0.75), 'wave': pytest.approx(0.2), 'unknown': pytest.approx(0.05)}
    assert figures.scenes[1].actions == {}
    assert 'front_walk: actions told: walk 75 %, wave 20 %, unknown 5 %' in table(figures, {}, [])
    shares = [scene['actions'] for scene in to_json(figures, 1.0, {})['scenes']]
    assert shares == [{'walk': 0.75, 'wave': 0.2, 'unknown': 0.05}, {}]


def test_annotation_draws_on_a_copy():
    image = np.full((480, 640, 3), 90, np.uint8)
    recording = recorded(range(1))
    drawn = annotate(image, recording.refined[START_NS], 'front_walk')
    assert (image == 90).all()
    x, y = person(0).keypoints[COCO17.index('left_ankle')].astype(int)
    assert (drawn[y - 3:y + 4, x - 3:x + 4] != 90).any()
    told = ActionFrame(START_NS, 0, 'gait@1234', 'tiny', actions=(doing('walk'),))
    assert (annotate(image, recording.refined[START_NS], 'front_walk', told) != drawn).any()
    unanswered = annotate(image, None, 'front_walk')
    assert (unanswered != drawn).any()


def test_the_spool_gives_images_back_by_time(tmp_path):
    spool = ImageSpool(tmp_path)
    for stamp_ns in (30, 10, 20):
        spool.put(stamp_ns, np.full((32, 32, 3), stamp_ns, np.uint8))
    spool.finish()
    found = list(spool.images())
    assert [stamp_ns for stamp_ns, _ in found] == [10, 20, 30]
    assert [int(image.mean()) for _, image in found] == pytest.approx([10, 20, 30], abs=2)
    assert len(spool) == 3
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_spool_counts_and_never_blocks(tmp_path, monkeypatch):
    release = threading.Event()

    def slow(image, quality):
        release.wait()
        return b'x'

    monkeypatch.setattr('neuropose_ros.cli.demo.spool.encode_jpeg', slow)
    spool = ImageSpool(tmp_path)
    for stamp_ns in range(60):
        spool.put(stamp_ns, np.zeros((8, 8, 3), np.uint8))
    release.set()
    spool.finish()
    assert spool.refused > 0
    assert spool.refused + len(spool) == 60
    spool.close()


# -- the surroundings --------------------------------------------------------------------------


def test_every_demo_has_a_domain_of_its_own(monkeypatch):
    monkeypatch.delenv('ROS_DOMAIN_ID')
    with graph.own_domain() as first:
        assert os.environ['ROS_DOMAIN_ID'] == str(first)
        monkeypatch.delenv('ROS_DOMAIN_ID')
        with graph.own_domain() as second:
            assert first != second
        os.environ['ROS_DOMAIN_ID'] = str(first)
    assert 'ROS_DOMAIN_ID' not in os.environ


def test_the_users_domain_is_kept(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '7')
    with graph.own_domain() as domain_id:
        assert domain_id == 7
    assert os.environ['ROS_DOMAIN_ID'] == '7'


def test_no_screen_is_a_reason_for_no_window(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    assert window.obstacle() == 'there is no screen'


# -- the command -------------------------------------------------------------------------------


def demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-m', 'neuropose_ros.cli.main', 'demo', *arguments],
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, **environment})


@pytest.mark.parametrize('arguments, sentence', [
    (('--seconds', '0'), 'above 0'),
    (('--seconds', 'x'), 'invalid'),
    (('--out', '/proc/nowhere'), 'cannot write to /proc/nowhere'),
])
def test_bad_arguments_are_refused_before_anything_starts(arguments, sentence):
    result = demo(*arguments)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert 'Traceback' not in result.stderr


def test_a_source_that_does_not_exist_ends_the_demo_with_its_reason(tmp_path):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    result = demo('--source', str(tmp_path / 'no.mp4'), '--out', str(tmp_path), '--headless')
    assert result.returncode == 2
    assert 'no.mp4' in result.stderr
    assert 'the graph ended before the first frame (exit code 2)' in result.stderr
    assert 'Traceback' not in result.stderr


def test_a_topic_without_images_ends_the_demo_with_what_the_graph_complains_of(tmp_path):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    program = (
        'import sys; from neuropose_ros.cli.demo import command; command._FIRST_FRAME_S = 2.0; '
        'from neuropose_ros.cli.main import main; sys.exit(main(sys.argv[1:]))')
    result = subprocess.run(
        [sys.executable, '-c', program, 'demo', '--source', 'topic:/nobody/image_raw', '--out',
         str(tmp_path), '--headless'],
        capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 2
    assert '/pose: in demand, but nothing arrives' in result.stderr
    assert 'Traceback' not in result.stderr


def test_a_model_that_cannot_be_fetched_ends_the_demo_with_the_reason(tmp_path):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    result = demo(
        '--source', 'synthetic', '--out', str(tmp_path), '--headless',
        NEUROPOSE_CACHE=str(tmp_path / 'cache'), PIP_NO_INDEX='1')
    assert result.returncode == 2
    assert 'cannot be fetched' in result.stderr
    assert 'the graph ended before the first frame' in result.stderr
    assert 'Traceback' not in result.stderr


def test_the_demo_measures_the_running_graph(tmp_path):
    """Load of the machine may cost frames; what was received must be right nevertheless."""
    pytest.importorskip('rclpy', reason='needs ROS 2')
    out, recogniser = tmp_path / 'out', write_arm_recogniser(tmp_path / 'arm')
    result = demo(
        '--source', 'synthetic:front_walk?cadence=95&seconds=4', '--seconds', '4', '--headless',
        '--json', '--out', str(out), '--recogniser', str(recogniser))
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert 0 < figures['frames'] <= 120
    assert 0 <= figures['dropped'] < figures['frames']
    assert figures['pck@0.1'] >= 0.95
    scene, = figures['scenes']
    assert (scene['scene'], scene['true_cadence_steps_per_min']) == ('front_walk', 95)
    if scene['cadence_steps_per_min'] is not None:
        assert figures['cadence_error_pct'] < 5
    assert figures['latency_ms']['inference']['p50'] > 0
    assert scene['actions'].keys() <= {'arm_up', 'arm_down', 'unknown'}
    assert sum(scene['actions'].values()) == pytest.approx(1, abs=0.01)
    assert figures['latency_ms']['end_to_end']['p50'] > figures['latency_ms']['inference']['p50']
    assert {Path(path).name for path in figures['files'].values()} == {
        path.name for path in out.iterdir()}
    with (out / 'keypoints.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    answered = {row['frame_seq'] for row in rows if row['stage'] == 'refinement'}
    assert len(answered) == figures['frames'] - figures['dropped']
    assert 'first frame after' in result.stdout


def test_an_interrupted_demo_reports_what_it_has_and_leaves_no_graph_behind(tmp_path):
    pytest.importorskip('rclpy', reason='needs ROS 2')
    process = subprocess.Popen(
        [sys.executable, '-m', 'neuropose_ros.cli.main', 'demo', '--headless', '--json', '--out',
         str(tmp_path), '--source', 'synthetic:wave'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if 'first frame' in line:
            break
    time.sleep(1.5)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert children
    assert not any(child.is_running() for child in children)
    assert process.returncode == 0, errors
    assert 'interrupted after' in output
    assert json.loads(output.splitlines()[-1])['frames'] > 0
