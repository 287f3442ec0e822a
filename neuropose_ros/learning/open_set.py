"""Does the open-set score rise for actions that were never learned? Classes are left out to see.

Protocol: the labels in alphabetical order are left out two by two (14 labels: seven pairs; of an
odd number the last one alone; of three one by one). For each pair a recogniser learns from the
other classes' training clips; then its unknown score of the pair's test clips is held against
that of the other test clips, as the area under the ROC curve. The figure is the mean of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.evaluation import Predict, ask
from neuropose_ros.learning.metrics import Array, Estimate, auroc, is_right

Fit = Callable[[ClipSet], Predict]


@dataclass(frozen=True)
class OpenSplit:
    """A split with classes left out.

    Attributes:
        known: train and test clips of the other classes, labelled anew.
        unknown: the test clips of the left out classes, without labels.
    """

    left_out: tuple[str, ...]
    known: Split
    unknown: ClipSet


@dataclass(frozen=True)
class LeftOut:
    """What was measured with some classes left out.

    Attributes:
        auroc: 0..1 of unknown against known test clips.
        top1: of the known test clips.
        known_scores: (N,) unknown scores of the known test clips.
        unknown_scores: (M,) of the others.
    """

    labels: tuple[str, ...]
    auroc: float
    top1: float
    known_scores: Array
    unknown_scores: Array


@dataclass(frozen=True)
class OpenSet:
    """All pairs of one data set."""

    pairs: tuple[LeftOut, ...]

    @property
    def auroc(self) -> Estimate:
        """Mean over the pairs; the interval is mean +- 1.96 standard errors of the pairs."""
        values = np.array([pair.auroc for pair in self.pairs])
        mean = float(values.mean())
        half = 1.96 * float(values.std(ddof=1)) / len(values)**0.5 if len(values) > 1 else np.nan
        return Estimate(mean, mean - half, min(1.0, mean + half), sum(
            len(pair.unknown_scores) for pair in self.pairs))


def class_pairs(labels: LabelSet) -> tuple[tuple[str, ...], ...]:
    """Return the labels two by two in alphabetical order; the last of an odd number is alone.

    Of fewer than four they are all alone: two must be left to tell apart.
    """
    ordered = sorted(labels.labels)
    size = 2 if len(ordered) > 3 else 1
    return tuple(tuple(ordered[i:i + size]) for i in range(0, len(ordered), size))


def leave_out(split: Split, labels: tuple[str, ...]) -> OpenSplit:
    """Return the split without these classes.

    Raises:
        DataError: the split has no labels, fewer than two classes are left, or no test clip.
        LabelError: a class is not among its labels.
    """
    known = _labels(split)
    gone = {known.index(label) for label in labels}
    kept = [i for i in range(len(known)) if i not in gone]
    if len(kept) < 2:
        raise DataError(f'without {", ".join(labels)} there are not two classes to tell apart')
    fewer = LabelSet(f'{known.name}-without-{"-".join(labels)}', tuple(
        known.labels[i] for i in kept))
    new = {old: index for index, old in enumerate(kept)}

    def of_known(clips: ClipSet) -> ClipSet:
        return replace(clips, labels=fewer, clips=tuple(
            replace(clip, label=new.get(clip.label, -1)) for clip in clips.clips
            if clip.label not in gone))

    unknown = tuple(replace(clip, label=-1) for clip in split.test.clips if clip.label in gone)
    test = of_known(split.test)
    if not unknown or not test.clips:
        raise DataError(f'{split.test.name}: no test clip of {", ".join(labels)} or none of the '
                        'others: nothing can be told apart')
    return OpenSplit(
        labels, Split(of_known(split.train), test, f'{split.protocol}, '
                      f'without {" and ".join(labels)}'),
        replace(split.test, labels=fewer, clips=unknown))


def open_set(split: Split, fit: Fit, pairs: tuple[tuple[str, ...], ...] = ()) -> OpenSet:
    """Learn without each pair of classes and see how the unknown score takes it.

    Args:
        fit: learns from training clips alone and returns the recogniser.
        pairs: classes to leave out together; () = `class_pairs`.

    Raises:
        DataError: the split does not allow it, or the recogniser has no unknown score.
    """
    return OpenSet(tuple(_without(part, fit) for part in open_splits(split, pairs)))


def open_splits(
    split: Split, pairs: tuple[tuple[str, ...], ...] = (),
) -> tuple[OpenSplit, ...]:
    """Return the split without each pair of classes; args and errors are those of `open_set`."""
    return tuple(leave_out(split, pair) for pair in pairs or class_pairs(_labels(split)))


def _labels(split: Split) -> LabelSet:
    if split.train.labels is None:
        raise DataError(f'{split.train.name}: without labels no class can be left out')
    return split.train.labels


def _without(split: OpenSplit, fit: Fit) -> LeftOut:
    predict = fit(split.known.train)
    known, unknown = ask(predict, split.known.test), ask(predict, split.unknown)
    if known.unknown is None or unknown.unknown is None:
        raise DataError('the recogniser gives no unknown score')
    right = is_right(known.probabilities, [clip.label for clip in split.known.test.clips])
    return LeftOut(split.left_out, auroc(known.unknown, unknown.unknown), float(right.mean()),
                   known.unknown, unknown.unknown)
