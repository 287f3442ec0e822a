"""The validation part of a training split: by label in proportion, no recording in both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split


def grouped_validation(clips: ClipSet, share: float, seed: int) -> tuple[ClipSet, ClipSet]:
    """Divide a set into a training and a validation part.

    Groups (`Clip.group`; a clip without one is its own) stay whole, so that no source video is
    on both sides. Groups are tried in an order drawn from `seed` and put into validation where
    that brings its count of each label closer to `share`; the last group of a label always
    stays in training.

    Args:
        share: of the clips, 0..1, for validation.

    Returns:
        (training, validation), each in the order of `clips`.

    Raises:
        DataError: the share is not between 0 and 1, or the groups leave one part empty.
    """
    if not 0 < share < 1:
        raise DataError(f'the validation share must lie between 0 and 1, not {share}')
    groups = [clip.group or clip.name for clip in clips.clips]
    names, group_of = np.unique(groups, return_inverse=True)
    labels, label_of = np.unique([clip.label for clip in clips.clips], return_inverse=True)
    counts = np.zeros((len(names), len(labels)), np.int64)
    np.add.at(counts, (group_of, label_of), 1)
    chosen = _chosen(counts, share, np.random.default_rng(seed))
    if not chosen.any():
        raise DataError(f'{clips.name}: {len(names)} recordings of {len(clips)} clips are too '
                        f'few to hold {share:.0%} of them back for validation')
    held = chosen[group_of]
    return (clips.only(tuple(c for c, out in zip(clips.clips, held, strict=True) if not out)),
            clips.only(tuple(c for c, out in zip(clips.clips, held, strict=True) if out)))


def held_back(clips: ClipSet, share: float, seed: int) -> Split:
    """Divide a set that its makers did not divide: `share` of it, by group, becomes the test.

    Raises:
        DataError: as `grouped_validation`.
    """
    train, test = grouped_validation(clips, share, seed)
    return Split(train, test, f'{share:.0%} of the recordings held back, drawn with seed {seed}')


def _chosen(
    counts: NDArray[np.int64], share: float, rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return (groups,) which go to validation; `counts` is (groups, labels)."""
    target = share * counts.sum(0)
    # Overshooting by a clip or a quarter is even; more only where a label has none otherwise.
    limit = target + np.maximum(1.0, 0.25 * target)
    chosen = np.zeros(len(counts), bool)
    held = np.zeros(counts.shape[1])
    remaining = (counts > 0).sum(0)
    order = rng.permutation(len(counts))
    for bounded in (True, False):
        for group in order:
            row = counts[group]
            of = row > 0
            gain = ((held - target) ** 2 - (held + row - target) ** 2) / target
            fits = (held + row <= limit)[of].all() if bounded else (held[of] == 0).any()
            if not chosen[group] and fits and gain.sum() > 0 and (remaining[of] > 1).all():
                chosen[group] = True
                held += row
                remaining -= of
    return chosen
