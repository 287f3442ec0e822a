"""CSV and plot of the keypoints."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.cli.demo.recording import Recording, Segment
from neuropose_ros.core.layouts import convert_frame, layout
from neuropose_ros.core.metrics import match_people
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.drawing.plots import JointTrack, Section, plot_keypoints
from neuropose_ros.movement.cadence import main_track

COLUMNS = (
    'stamp_ns', 'frame_seq', 'epoch', 'scene', 'stage', 'status', 'track_id', 'track_state',
    'joint', 'x_px', 'y_px', 'score', 'state',
)
_PLOTTED = ('wrist', 'hip', 'knee', 'ankle')
_STATE_NAMES = {int(state): state.name for state in JointState}


def write_csv(path: Path, recording: Recording) -> int:
    """Write all joints of `poses_refined` and of the truth, and return the number of rows."""
    count = 0
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for segment in recording.segments():
            for item in segment.refined:
                frames = [item.frame, segment.truth.get(item.frame.stamp_ns)]
                for frame in frames:
                    for row in _rows(frame, segment.scene) if frame is not None else ():
                        writer.writerow(row)
                        count += 1
    return count


def _rows(frame: PoseFrame, scene: str) -> Iterator[tuple[object, ...]]:
    start = (frame.stamp_ns, frame.frame_seq, frame.epoch, scene, frame.stage, frame.status.name)
    names = layout(frame.layout).names
    for person in frame.persons:
        who = (*start, person.track_id, person.track_state.name)
        values = zip(names, person.keypoints, person.keypoint_scores, person.keypoint_states,
                     strict=True)
        for joint, (x_px, y_px), score, state in values:
            yield (*who, joint, _number(x_px, 2), _number(y_px, 2), _number(score, 4),
                   _STATE_NAMES.get(int(state), 'UNKNOWN'))
    if not frame.persons:
        yield (*start, '', '', '', '', '', '', '')


def _number(value: float, digits: int) -> str:
    return f'{value:.{digits}f}' if np.isfinite(value) else ''


def write_plot(path: Path, recording: Recording) -> None:
    """Plot wrists, hips, knees and ankles of the person seen most in each scene."""
    segments = [segment for segment in recording.segments() if segment.refined]
    start_ns = segments[0].refined[0].frame.stamp_ns if segments else 0
    sections = [Section(
        segment.scene, (segment.refined[0].frame.stamp_ns - start_ns) / 1e9,
        (segment.refined[-1].frame.stamp_ns - start_ns) / 1e9) for segment in segments]
    found = [pair for segment in segments for pair in _main_person(segment)]
    rows = []
    if found:
        joints = layout(found[0][0].layout)
        rows = [(part, [
            _joint_track(joints, name, found, start_ns)
            for name in (f'left_{part}', f'right_{part}')]) for part in _PLOTTED
            if f'left_{part}' in joints.names]
    title = 'Keypoints of the person seen most in each scene, from poses_refined'
    plot_keypoints(rows or [('nobody was seen', [])], sections, title, path)


def _main_person(
    segment: Segment,
) -> Iterator[tuple[PoseFrame, PersonPose, PersonPose | None]]:
    """Yield each frame with the main track, and the true person it is an estimate of."""
    track = main_track([item.frame for item in segment.refined])
    for item in segment.refined:
        frame, truth = item.frame, segment.truth.get(item.frame.stamp_ns)
        for number, person in enumerate(frame.persons):
            if person.track_id == track and track is not None:
                yield frame, person, _true_person(frame, number, truth)


def _true_person(frame: PoseFrame, number: int, truth: PoseFrame | None) -> PersonPose | None:
    if truth is None:
        return None
    truth = convert_frame(truth, layout(truth.layout), layout(frame.layout))
    matches = match_people(frame.persons, truth.persons)
    return truth.persons[matches.index(number)] if number in matches else None


def _joint_track(
    joints: SkeletonLayout, name: str,
    found: list[tuple[PoseFrame, PersonPose, PersonPose | None]], start_ns: int,
) -> JointTrack:
    joint = joints.index(name)
    unknown: NDArray[np.float32] = np.full(2, np.nan, np.float32)
    truth = [unknown if true is None else true.keypoints[joint] for _, _, true in found]
    return JointTrack(
        name,
        np.array([(frame.stamp_ns - start_ns) / 1e9 for frame, _, _ in found]),
        np.stack([person.keypoints[joint] for _, person, _ in found]),
        np.array([person.keypoint_states[joint] for _, person, _ in found], np.uint8),
        np.stack(truth) if any(true is not None for _, _, true in found) else None)
