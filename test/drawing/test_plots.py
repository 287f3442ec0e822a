"""The keypoint plot: what is drawn where, read back from the pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from neuropose_ros.core.pose import JointState
from neuropose_ros.drawing.plots import JointTrack, Section, plot_keypoints

BLUE, ORANGE = (0xB2, 0x72, 0x00), (0x00, 0x5E, 0xD5)  # BGR of left and right


def track(name: str, states: np.ndarray | None = None, **changes) -> JointTrack:
    times_s = np.arange(60) / 30
    points = np.stack([100 + 20 * times_s, 200 + 10 * np.sin(3 * times_s)], -1).astype(np.float32)
    if states is None:
        states = np.full(60, JointState.MEASURED, np.uint8)
    values = {'times_s': times_s, 'points': points, 'states': states, **changes}
    return JointTrack(name, **values)


def pixels(path: Path, colour: tuple[int, int, int]) -> int:
    image = cv2.imread(str(path)).astype(int)
    return int((np.abs(image - colour).max(-1) < 8).sum())


def test_left_and_right_are_drawn_in_their_colours(tmp_path):
    path = tmp_path / 'plot.png'
    plot_keypoints([('wrist', [track('left_wrist')])], [], 'title', path)
    assert pixels(path, BLUE) > 300
    assert pixels(path, ORANGE) == 0
    plot_keypoints(
        [('wrist', [track('left_wrist'), track('right_wrist')]), ('nose', [track('nose')])],
        [Section('walk', 0, 1), Section('dim', 1, 2)], 'title', path)
    assert pixels(path, ORANGE) > 300


def test_what_was_not_measured_is_no_solid_line(tmp_path):
    solid, dotted = tmp_path / 'solid.png', tmp_path / 'dotted.png'
    predicted = np.full(60, JointState.PREDICTED, np.uint8)
    plot_keypoints([('wrist', [track('left_wrist')])], [], 'title', solid)
    plot_keypoints([('wrist', [track('left_wrist', predicted)])], [], 'title', dotted)
    assert pixels(dotted, BLUE) < 0.5 * pixels(solid, BLUE)


def test_no_line_crosses_a_gap(tmp_path):
    whole, gap = tmp_path / 'whole.png', tmp_path / 'gap.png'
    plot_keypoints([('wrist', [track('left_wrist')])], [], 'title', whole)
    times_s = np.concatenate([np.arange(30) / 30, 9 + np.arange(30) / 30])
    plot_keypoints([('wrist', [track('left_wrist', times_s=times_s)])], [], 'title', gap)
    image = cv2.imread(str(gap)).astype(int)
    columns = (np.abs(image - BLUE).max(-1) < 8)[:300, : image.shape[1] // 2].any(0)
    drawn = np.flatnonzero(columns)
    assert np.diff(drawn).max() > 300


def test_no_line_crosses_a_cut(tmp_path):
    path = tmp_path / 'cut.png'
    points = track('left_wrist').points.copy()
    points[30:, 0] += 500
    jump = track('left_wrist', points=points)
    plot_keypoints([('wrist', [jump])], [Section('a', 0, 1), Section('b', 1, 2)], 'cut', path)
    image = cv2.imread(str(path)).astype(int)
    rows = (np.abs(image - BLUE).max(-1) < 8)[:280, : image.shape[1] // 2].any(1)
    assert np.diff(np.flatnonzero(rows)).max() > 50


def test_the_truth_is_drawn_where_there_is_one(tmp_path):
    path, unknown = tmp_path / 'with.png', tmp_path / 'unknown.png'
    truth = track('left_wrist').points + np.float32([0, 5])
    nowhere = np.full_like(truth, np.nan)
    plot_keypoints([('wrist', [track('left_wrist', truth=truth)])], [], 'title', path)
    plot_keypoints([('wrist', [track('left_wrist', truth=nowhere)])], [], 'title', unknown)
    changed = (cv2.imread(str(path)).astype(int) != cv2.imread(str(unknown))).any(-1)
    assert changed[:, changed.shape[1] // 2:].sum() > 300  # the y plot


def test_a_person_never_seen_gives_an_empty_plot(tmp_path):
    path = tmp_path / 'plot.png'
    nothing = np.zeros((0, 2), np.float32)
    empty = JointTrack('left_wrist', np.zeros(0), nothing, np.zeros(0, np.uint8))
    plot_keypoints([('wrist', [empty])], [], 'nobody', path)
    assert cv2.imread(str(path)) is not None
