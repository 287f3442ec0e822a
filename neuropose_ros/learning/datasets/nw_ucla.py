"""Northwestern-UCLA Multiview Action 3D (Wang et al. 2014): 20 joints of a Kinect, three views.

One file, ``nw_ucla.npz``: `kp` (frames, 20, 3) m in the camera's frame, cut by `offset`;
`label`, `view` and `name` (``a01_s01_e00_v01``: action, subject, performance, view).
"""

from __future__ import annotations

from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import KINECT20
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import (
    kept,
    locate,
    make_clip,
    read_sequences,
    times_at,
    without_zeros,
)

# Not documented by the authors: people who walk in the data take about 1.6 steps per second
# (median of the dominant frequency of the distance between the ankles) at this rate.
RATE_HZ = 15.0
SOURCE = 'Northwestern-UCLA Multiview Action 3D (Wang et al. 2014): research, non-commercial'

# The numbers of the actions have gaps: 7 and 10 were never released.
ACTIONS = {
    1: 'pick_up_with_one_hand', 2: 'pick_up_with_two_hands', 3: 'drop_trash', 4: 'walk_around',
    5: 'sit_down', 6: 'stand_up', 8: 'donning', 9: 'doffing', 11: 'throw', 12: 'carry',
}
VIEWS = (1, 2, 3)


def read_nw_ucla(root: Path, split: int = 1, findings: Findings | None = None) -> Split:
    """Read all sequences; a group is one performance, which every view has seen.

    Args:
        root: folder with ``nw_ucla.npz``, or the one above it.
        split: which view is for the test: 1 = view 3 (the usual protocol), 2 = view 2,
            3 = view 1.
        findings: takes what is left out.

    Raises:
        DataError: the file is missing or not of its form, or there is no such split.
    """
    if split not in VIEWS:
        raise DataError(f'nw_ucla has the splits 1 (test view 3), 2 (test view 2) and 3 '
                        f'(test view 1), not {split}')
    findings = Findings() if findings is None else findings
    path = locate(root, 'nw_ucla.npz', 'nw_ucla/nw_ucla.npz')
    sequences, columns = read_sequences(path, 'kp', (len(KINECT20), 3), ('label', 'view'))
    labels = LabelSet('nw_ucla', tuple(ACTIONS.values()))
    numbers = list(ACTIONS)
    views = dict(zip(sequences, (int(view) for view in columns['view']), strict=True))
    clips = []
    for (name, points), label in zip(sequences.items(), columns['label'], strict=True):
        action = int(label)
        if action not in ACTIONS or views[name] not in VIEWS:
            findings.skip(name, f'action {action} or view {views[name]} is none of the data set')
            continue
        clips.append(make_clip(
            findings, name, without_zeros(points), times_at(len(points), RATE_HZ),
            numbers.index(action), name.rpartition('_v')[0]))
    used, tested = tuple(kept(clips)), VIEWS[-split]
    everything = ClipSet('nw_ucla', KINECT20, (), labels, SOURCE)
    trained = '-'.join(str(view) for view in VIEWS if view != tested)
    return Split(everything.only(tuple(clip for clip in used if views[clip.name] != tested)),
                 everything.only(tuple(clip for clip in used if views[clip.name] == tested)),
                 f'views {trained} -> {tested}')
