"""NTU RGB+D (Shahroudy et al. 2016): ``.skeleton`` files of a Kinect v2, 25 joints in 3D.

A file is text: the number of frames; for each the number of bodies; for each body a line of ten
values (the first is its id), the number of joints, and a line of twelve values for each joint:
x y z (m, camera), depth x y, colour x y, orientation w x y z, and the tracking state (0 not
tracked, 1 inferred, 2 tracked). The name says setup, camera, performer, replication and action:
``S001C002P003R002A013``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import NTU25
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import Clip, ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import (
    kept,
    locate,
    make_clip,
    read_lines,
    times_at,
    without_zeros,
)

RATE_HZ = 30.0
SOURCE = 'NTU RGB+D (Shahroudy et al. 2016, ROSE Lab): academic research, by agreement'
# The authors' training sides: performers of cross-subject, cameras of cross-view.
TRAIN_SUBJECTS = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38))
TRAIN_CAMERAS = frozenset((2, 3))
ACTIONS = (
    'drink_water', 'eat_meal', 'brush_teeth', 'brush_hair', 'drop', 'pick_up', 'throw',
    'sit_down', 'stand_up', 'clapping', 'reading', 'writing', 'tear_up_paper', 'put_on_jacket',
    'take_off_jacket', 'put_on_a_shoe', 'take_off_a_shoe', 'put_on_glasses', 'take_off_glasses',
    'put_on_a_hat', 'take_off_a_hat', 'cheer_up', 'hand_waving', 'kicking_something',
    'reach_into_pocket', 'hopping', 'jump_up', 'phone_call', 'play_with_phone', 'type_on_keyboard',
    'point_to_something', 'taking_a_selfie', 'check_time', 'rub_two_hands', 'nod_head',
    'shake_head', 'wipe_face', 'salute', 'put_palms_together', 'cross_hands', 'sneeze_or_cough',
    'staggering', 'falling_down', 'headache', 'chest_pain', 'back_pain', 'neck_pain',
    'nausea_or_vomiting', 'fan_self', 'punch_or_slap', 'kicking', 'pushing', 'pat_on_back',
    'point_finger', 'hugging', 'giving_object', 'touch_pocket', 'shaking_hands',
    'walking_towards', 'walking_apart',
)
_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')
_MISSING_LISTS = ('NTU_RGBD_samples_with_missing_skeletons.txt',
                  'samples_with_missing_skeletons.txt', 'missing_skeletons.txt')
_SCORES = np.array((0.0, 0.5, 1.0), np.float32)  # by tracking state
_JOINT_VALUES = 12


@dataclass(frozen=True)
class NtuName:
    """What the name of a file says."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    @classmethod
    def parse(cls, stem: str) -> NtuName | None:
        """Return the parts of ``S001C002P003R002A013``; None of any other name."""
        match = _NAME.fullmatch(stem)
        return cls(*(int(part) for part in match.groups())) if match else None

    def trains(self, split: str) -> bool:
        """Whether it is on the training side of ``xsub`` or ``xview``."""
        return (self.performer in TRAIN_SUBJECTS if split == 'xsub'
                else self.camera in TRAIN_CAMERAS)

    def group(self, split: str) -> str:
        """The performer, or across views the performance, which all cameras have seen."""
        performer = f'P{self.performer:03d}'
        return performer if split == 'xsub' else (
            f'S{self.setup:03d}{performer}R{self.replication:03d}A{self.action:03d}')


def read_ntu60(root: Path, split: str = 'xsub', findings: Findings | None = None) -> Split:
    """Read all files; of several bodies the one that moves most is taken.

    Args:
        root: folder with the ``.skeleton`` files, or ``nturgb+d_skeletons`` holding them, and
            perhaps the authors' list of samples with missing skeletons, which are left out.
        split: ``xsub`` or ``xview``.
        findings: takes what is left out.

    Raises:
        DataError: there is no such split or no file.
    """
    if split not in ('xsub', 'xview'):
        raise DataError(f'ntu60 has the splits xsub and xview, not {split}')
    findings = Findings() if findings is None else findings
    folder = root
    if not any(root.glob('*.skeleton')):
        folder = locate(root, 'nturgb+d_skeletons', 'skeletons')
    paths = sorted(folder.glob('*.skeleton'))
    if not paths:
        raise DataError(f'{folder}: there is no .skeleton file in it')
    missing = _missing(root)
    train: list[Clip | None] = []
    test: list[Clip | None] = []
    for path in tqdm(paths, 'skeletons', leave=False, disable=len(paths) < 1000):
        name = NtuName.parse(path.stem)
        if name is None or not 1 <= name.action <= len(ACTIONS):
            findings.skip(path.name, 'its name is not SsssCcccPpppRrrrAaaa with an action of '
                                     f'1 to {len(ACTIONS)}')
        elif path.stem in missing:
            findings.skip(path.stem, 'the authors list it among the samples without skeletons')
        else:
            part = train if name.trains(split) else test
            part.append(_clip(path, name, split, findings))
    everything = ClipSet('ntu60', NTU25, (), LabelSet('ntu60', ACTIONS), SOURCE)
    return Split(everything.only(tuple(kept(train))), everything.only(tuple(kept(test))),
                 {'xsub': 'cross-subject', 'xview': 'cross-view, cameras 2-3 -> 1'}[split])


def read_bodies(path: Path) -> dict[str, tuple[Floats, Floats]]:
    """Return body id -> (T, 25, 3) m and (T, 25) scores of a ``.skeleton`` file.

    A body that a frame lacks, or a joint that was not tracked, is NaN with score 0.

    Raises:
        DataError: the file is not of the form.
    """
    try:
        words = path.read_text('ascii').split()
        frames, at = int(words[0]), 1
        shape = (frames, len(NTU25))
        points: defaultdict[str, Floats] = defaultdict(
            lambda: np.full((*shape, 3), np.nan, np.float32))
        scores: defaultdict[str, Floats] = defaultdict(lambda: np.zeros(shape, np.float32))
        for frame in range(frames):
            bodies, at = int(words[at]), at + 1
            for _ in range(bodies):
                body, joints = words[at], int(words[at + 10])
                at += 11
                end = at + joints * _JOINT_VALUES
                table = np.array(words[at:end], np.float32).reshape(joints, _JOINT_VALUES)
                at = end
                state = table[:, -1].astype(int)
                if (state < 0).any():
                    raise ValueError('a tracking state is negative')
                points[body][frame] = without_zeros(table[:, :3])
                points[body][frame][state == 0] = np.nan
                scores[body][frame] = _SCORES[state]
        if at != len(words):
            raise ValueError(f'{len(words) - at} values follow the last frame')
    except (OSError, ValueError, IndexError) as error:
        raise DataError(f'{path.name}: not a .skeleton file of 25 joints, or cut off '
                        f'({error})') from error
    return {body: (points[body], scores[body]) for body in points}


def main_body(bodies: dict[str, tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return the body that moves most among those seen at least half as long as the longest.

    Short-lived bodies are mostly chairs and reflections (Shahroudy et al. filter them too).

    Raises:
        DataError: no body was seen.
    """
    seen = {body: int(np.isfinite(points).all(-1).any(-1).sum())
            for body, (points, _) in bodies.items()}
    if not any(seen.values()):
        raise DataError('no body was seen in any frame')
    lasting = [body for body in bodies if 2 * seen[body] >= max(seen.values())]

    def movement(body: str) -> float:
        points = bodies[body][0]
        known = np.isfinite(points).all((1, 2))
        return float(points[known].var(0).sum()) if known.any() else 0.0

    return bodies[max(lasting, key=movement)]


def _clip(path: Path, name: NtuName, split: str, findings: Findings) -> Clip | None:
    try:
        points, scores = main_body(read_bodies(path))
    except DataError as error:
        findings.skip(path.stem, str(error).removeprefix(f'{path.name}: '))
        return None
    return make_clip(findings, path.stem, points, times_at(len(points), RATE_HZ), name.action - 1,
                     name.group(split), scores)


def _missing(root: Path) -> set[str]:
    for name in _MISSING_LISTS:
        if (root / name).is_file():
            return {line for line in read_lines(root / name) if _NAME.fullmatch(line)}
    return set()
