"""What a detector found in clips, and what is true there: J-HMDB with detections of MoveNet.

The truth is ``jhmdb14_named.npz``: `pos_img_est` (frames, 15, 2), pixels of the 320x240 videos,
with `match_sure` = 1 where the fit to the picture is sure. The detections are
``jhmdb928_movenet_coco17.npz``: class/clip -> (T, 17, 3), x, y (px) and score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.datasets.hmdb51 import (
    TEST_MARK,
    TRAIN_MARK,
    read_parts,
    source_video,
)
from neuropose_ros.learning.datasets.tables import locate, read_arrays, read_sequences

FOUND_LAYOUT, TRUTH_LAYOUT = COCO17, JHMDB15
RATE_HZ = 30.0
IMAGE_WIDTH, IMAGE_HEIGHT = 320, 240
MODEL = 'movenet-lightning-int8'
"""The registry's name of the detector."""


@dataclass(frozen=True)
class Pair:
    """One clip of one person; T frames at `RATE_HZ`.

    Attributes:
        name: class/clip.
        action: the class.
        group: source video: a hold-out never splits one.
        sure: whether `truth` fits the picture so well that `found` can be compared with it.
        found: (T, 17, 2) float32, px, of `FOUND_LAYOUT`.
        scores: (T, 17) float32, 0..1.
        truth: (T, 15, 2) float32, px, of `TRUTH_LAYOUT`; also beyond the picture's border.
    """

    name: str
    action: str
    group: str
    sure: bool
    found: Floats
    scores: Floats
    truth: Floats

    @cached_property
    def box_px(self) -> float:
        """Mean over the frames of the diagonal of the box around the true joints, px."""
        return clip_box_px(self.truth)

    def __len__(self) -> int:
        """Return T."""
        return len(self.truth)


@dataclass(frozen=True)
class Pairs:
    """The two parts of a split."""

    train: tuple[Pair, ...]
    test: tuple[Pair, ...]


def clip_box_px(truth: Floats) -> float:
    """Return the mean over (T, K, 2) joints' frames of the diagonal of their box, px.

    One size for a clip: in single frames the joints of a person may lie in one spot.
    """
    return float(np.linalg.norm(np.ptp(truth, axis=1), axis=-1).mean())


def read_pairs(root: Path, split: int = 1) -> Pairs:
    """Read all clips that have joints and detections.

    Args:
        root: folder with ``jhmdb14_named.npz``, the detections and ``splits``, or the one above.
        split: official split, 1 to 3.

    Raises:
        DataError: a file is missing or not of its form, or the two files do not fit each other.
    """
    path = locate(root, 'jhmdb14_named.npz', 'jhmdb/jhmdb14_named.npz')
    sequences, columns = read_sequences(
        path, 'pos_img_est', (len(TRUTH_LAYOUT), 2), ('match_sure',))
    detections = locate(path.parent, 'jhmdb928_movenet_coco17.npz')
    found = read_arrays(detections, sequences)
    actions = sorted({name.partition('/')[0] for name in sequences})
    parts = read_parts(locate(path.parent, 'splits'), split, actions)
    divided: dict[int, list[Pair]] = {TRAIN_MARK: [], TEST_MARK: []}
    for (name, truth), sure in zip(sequences.items(), columns['match_sure'], strict=True):
        rows = np.asarray(found[name], np.float32)
        if rows.shape != (len(truth), len(FOUND_LAYOUT), 3):
            raise DataError(f'{detections}: {name} is {rows.shape}, but its {len(truth)} frames '
                            f'of {len(FOUND_LAYOUT)} joints need x, y and a score each')
        action, _, file = name.partition('/')
        if parts.get(name) in divided:
            divided[parts[name]].append(Pair(
                name, action, source_video(file, action), bool(sure == 1),
                rows[..., :2], rows[..., 2], truth))
    return Pairs(tuple(divided[TRAIN_MARK]), tuple(divided[TEST_MARK]))


def sure(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the clips in which detections can be compared with the truth."""
    return tuple(pair for pair in pairs if pair.sure)


def hold_out(
    pairs: Sequence[Pair], share: float = 0.2, seed: int = 0,
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Divide clips at random into those to fit and those held out; no source video is in both.

    Args:
        share: of the clips to hold out, at least.
    """
    groups = sorted({pair.group for pair in pairs})
    np.random.default_rng(seed).shuffle(groups)
    held: set[str] = set()
    count = 0
    for group in groups:
        if count >= share * len(pairs):
            break
        held.add(group)
        count += sum(pair.group == group for pair in pairs)
    return (tuple(pair for pair in pairs if pair.group not in held),
            tuple(pair for pair in pairs if pair.group in held))
