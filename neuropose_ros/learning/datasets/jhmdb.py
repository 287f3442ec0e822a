"""J-HMDB (Jhuang et al. 2013): 2D ground truth of 15 joints, cut to the 14 classes given.

The joints lie in one file, ``jhmdb14_named.npz``: `pos_world` (frames, 15, 2), coordinates
normalised by the size of the person, cut by `offset`; `name` is class/clip. The splits are the
official lists, ``splits/<class>_test_split<N>.txt``: lines of a file name and 1 (training) or
2 (test). Clips run at 30 frames per second. The videos lie in ``videos/<class>``; `pos_img_est`
(frames, 15, 2) are the joints in their pixels, a fit that is sure where `match_sure` is 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.hmdb51 import (
    TEST_MARK,
    TRAIN_MARK,
    list_by_class,
    read_parts,
    source_video,
)
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.datasets.tables import (
    kept,
    locate,
    make_clip,
    read_sequences,
    times_at,
)
from neuropose_ros.learning.datasets.videos import VideoListing

RATE_HZ = 30.0
SOURCE = ('J-HMDB (Jhuang et al. 2013): research data; its videos are of HMDB51 (Kuehne et al. '
          '2011), CC BY 4.0')
# Joints end where limbs begin: a person reaches further, by about a tenth on each side.
_BOX_GROWTH = 1.2


def read_jhmdb14(root: Path, split: int = 1, findings: Findings | None = None) -> Split:
    """Read the ground truth of the 14 classes.

    Args:
        root: folder with ``jhmdb14_named.npz`` and ``splits``, or the one above it.
        split: official split, 1 to 3.
        findings: takes what is left out.

    Raises:
        DataError: a file is missing or not of its form.
    """
    findings = Findings() if findings is None else findings
    path = locate(root, 'jhmdb14_named.npz', 'jhmdb/jhmdb14_named.npz')
    sequences, _ = read_sequences(path, 'pos_world', (len(JHMDB15), 2))
    labels = LabelSet('jhmdb14', tuple(sorted({name.partition('/')[0] for name in sequences})))
    parts = read_parts(locate(path.parent, 'splits'), split, labels.labels)
    clips = []
    for name, points in sequences.items():
        action, _, file = name.partition('/')
        if name not in parts:
            findings.skip(name, f'the lists of split {split} do not name it')
            continue
        clips.append(make_clip(
            findings, name, points, times_at(len(points), RATE_HZ),
            labels.index(action), source_video(file, action)))
    for name in sorted(parts.keys() - sequences.keys()):
        findings.skip(name, f'a list of split {split} names it, but there are no joints of it')
    used = tuple(kept(clips))
    everything = ClipSet('jhmdb14', JHMDB15, (), labels, SOURCE)
    return Split(everything.only(tuple(clip for clip in used if parts[clip.name] == TRAIN_MARK)),
                 everything.only(tuple(clip for clip in used if parts[clip.name] == TEST_MARK)),
                 f'split {split}')


def list_jhmdb14_videos(
    root: Path, split: int = 1, findings: Findings | None = None,
) -> VideoListing:
    """List the videos of the classes that ``videos`` has, named as the clips are.

    Raises:
        DataError: a folder or list is missing.
    """
    findings = Findings() if findings is None else findings
    folder = locate(root, 'videos', 'jhmdb/videos')
    return list_by_class('jhmdb14_video', folder, locate(folder.parent, 'splits'), split,
                         findings, SOURCE)


def read_jhmdb_frames(
    root: Path, part: str = '', split: int = 1, findings: Findings | None = None,
) -> tuple[tuple[AnnotatedPicture, ...], str]:
    """Read the frames of the clips whose joints are sure, one person in each.

    Boxes are those of the joints, a fifth larger: an outline is not part of the data given. The
    size by which PCK divides is the clip's mean of the diagonal of the box around the joints: in
    single frames they may lie in one spot.

    Args:
        root: folder with ``jhmdb14_named.npz``, ``videos`` and ``splits``, or the one above it.
        part: ``train`` or ``test`` of the split; '' = both.

    Returns:
        The frames, and whose they are.

    Raises:
        DataError: a file is missing or not of its form.
    """
    findings = Findings() if findings is None else findings
    path = locate(root, 'jhmdb14_named.npz', 'jhmdb/jhmdb14_named.npz')
    sequences, columns = read_sequences(
        path, 'pos_img_est', (len(JHMDB15), 2), ('match_sure',))
    actions = sorted({name.partition('/')[0] for name in sequences})
    parts = read_parts(locate(path.parent, 'splits'), split, actions)
    wanted = {'train': (TRAIN_MARK,), 'test': (TEST_MARK,)}.get(part, (TRAIN_MARK, TEST_MARK))
    videos = locate(path.parent, 'videos')
    found: list[AnnotatedPicture] = []
    for (name, points), sure in zip(sequences.items(), columns['match_sure'], strict=True):
        if parts.get(name) not in wanted or sure != 1:
            continue
        video = next(iter(sorted(videos.glob(f'{name}.*'))), None)
        if video is None:
            findings.skip(name, f'{videos} has no such video')
            continue
        action, _, file = name.partition('/')
        found += _frames(video, points, source_video(file, action))
    return tuple(found), SOURCE


def _frames(video: Path, points: Floats, group: str) -> list[AnnotatedPicture]:
    low, high = points.min(1), points.max(1)
    middle, half = (low + high) / 2, (high - low) / 2 * _BOX_GROWTH
    boxes = np.concatenate((middle - half, middle + half), 1).astype(np.float32)
    unknown = np.full(1, np.nan, np.float32)
    size = np.linalg.norm(high - low, axis=-1).mean()
    return [
        AnnotatedPicture(
            video, JHMDB15, frame[np.newaxis], np.isfinite(frame[np.newaxis]).all(-1),
            box[np.newaxis], np.prod(box[np.newaxis, 2:] - box[np.newaxis, :2], 1), unknown,
            index, group, sizes_px=np.full(1, size, np.float32), is_beyond_meant=True)
        for index, (frame, box) in enumerate(zip(points, boxes, strict=True))]
