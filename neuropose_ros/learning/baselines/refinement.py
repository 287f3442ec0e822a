"""What a refiner of poses has to beat, each tuned on clips for training, for each task anew.

Real noise: the highest PCK@0.1 whose acceleration error is not above `ACCELERATIONS`; of those
that fill gaps alone, the highest. Masked joints: the least error. That each task has settings of
its own is an advantage of the baselines: a refiner has one configuration for all tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.baselines.filters import Gaussian, Kalman, Median, OneEuro
from neuropose_ros.learning.baselines.gaps import Between, Hold
from neuropose_ros.learning.baselines.smoothnet import SmoothNetSettings, train_smoothnet
from neuropose_ros.learning.baselines.tracks import Smoother, Tracks, Values, side_by_side
from neuropose_ros.learning.baselines.tuning import tuned
from neuropose_ros.learning.refiner.measures import (
    MASKED_SHARES,
    Mask,
    accuracy,
    burst_masks,
    hidden,
    in_detector_definition,
    in_truth_definition,
    masked_error,
    to_truth_layout,
)
from neuropose_ros.learning.refiner.pairs import Pair

ACCELERATIONS = {False: 0.065, True: 0.042}
"""Most acceleration error on real noise: causal, and with a look ahead."""
_EXCESS_COSTS = 5.0
_TUNING_SEED = 7
_EVERY = 2  # clip is tuned on for masked joints: more of them change nothing
_LEAST_SCORES = (0.1, 0.2, 0.3)
_MASKED_VERSIONS = 4
_MASKED_EPOCHS = 12  # more change nothing


@dataclass(frozen=True)
class Baseline:
    """A method before it is tuned.

    Attributes:
        name: as in the results.
        looks_ahead: whether it needs frames that come later.
        real, masked: where tuning begins.
        real_choices, masked_choices: what it tries.
        bounded: whether it filters, so that `ACCELERATIONS` bounds it.
    """

    name: str
    looks_ahead: bool
    real: Smoother
    masked: Smoother
    real_choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    masked_choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    bounded: bool = True


@dataclass(frozen=True)
class Tuned:
    """A method with the settings for each task."""

    name: str
    looks_ahead: bool
    real: Smoother
    masked: Smoother


_WITH = {'with_body': (False, True)}
CATALOGUE = (
    Baseline('hold', False, Hold(), Hold(), bounded=False),
    Baseline('hold_with_body', False, Hold(0.2, True), Hold(with_body=True),
             {'least_score': _LEAST_SCORES}, bounded=False),
    Baseline('linear', True, Between(), Between(), bounded=False),
    Baseline('spline', True, Between('pchip', 0.3), Between('pchip', with_body=True),
             {'least_score': _LEAST_SCORES}, {'kind': ('pchip', 'cubic'), **_WITH}, bounded=False),
    Baseline('one_euro', False, OneEuro(2.0, 5.0, 4.0, 0.2), OneEuro(9.0, 40.0, 4.0, 0.0, True),
             {'min_cutoff_hz': (1.0, 1.5, 2.0, 3.0), 'slope': (2.0, 5.0, 10.0),
              'speed_cutoff_hz': (2.0, 4.0, 8.0), 'least_score': _LEAST_SCORES, **_WITH},
             {'min_cutoff_hz': (9.0, 30.0), **_WITH}),
    Baseline('kalman', False, Kalman(0.01, 0.1, 20.0, 0.05, 100.0, 0.2),
             Kalman(0.001, 0.1, 10.0, 0.05, 100.0, with_body=True),
             {'noise_sure': (0.005, 0.01, 0.02), 'noise_unsure': (0.06, 0.1, 0.2, 0.4),
              'acceleration': (10.0, 20.0, 40.0), 'gate': (2.0, 3.0, 100.0),
              'decay_s': (0.05, 0.3), 'least_score': _LEAST_SCORES, **_WITH},
             {'acceleration': (2.0, 10.0, 40.0), 'decay_s': (0.02, 0.05, 0.1, 0.2), **_WITH}),
    Baseline('kalman_rts', True, Kalman(0.01, 0.8, 20.0, 0.3, 2.0, 0.0, False, True),
             Kalman(0.001, 0.1, 4.0, 0.05, 100.0, 0.0, True, True),
             {'noise_sure': (0.005, 0.01, 0.02), 'noise_unsure': (0.4, 0.8, 1.6),
              'acceleration': (10.0, 20.0, 40.0), 'gate': (1.5, 2.0, 3.0), **_WITH},
             {'acceleration': (1.0, 4.0, 10.0), 'decay_s': (0.05, 0.2, 1.0), **_WITH}),
    Baseline('median5', True, Median(5), Median(5, with_body=True),
             {'least_score': (0.0, *_LEAST_SCORES)}, _WITH),
    Baseline('median', True, Median(9, 0.2), Median(3, with_body=True),
             {'frames': (7, 9, 11), 'least_score': _LEAST_SCORES}, {'frames': (1, 3), **_WITH}),
    Baseline('gaussian', True, Gaussian(1.5, 1.5, 0.2), Gaussian(0.5, 0.0, 0.0, True),
             {'sigma_frames': (1.0, 1.5, 2.0, 2.5), 'power': (1.0, 1.5, 2.0),
              'least_score': _LEAST_SCORES},
             {'sigma_frames': (0.4, 0.7), **_WITH}),
)


class Tasks:
    """Clips with detections, and true clips with hidden joints, with their figures."""

    def __init__(self, real: Sequence[Pair], masked: Sequence[Pair], offsets: Floats,
                 seed: int = 0) -> None:
        """Prepare the tasks.

        Args:
            real: clips whose detections are compared with the truth.
            masked: clips whose joints are hidden.
            offsets: (15, 2), of `measures.joint_offsets`.
            seed: of the masks.
        """
        self.real, self.hidden_pairs, self.offsets = tuple(real), tuple(masked), offsets
        self.found = side_by_side([pair.found for pair in real], [pair.scores for pair in real])
        self.masks: dict[float, list[Mask]] = {
            share: burst_masks(masked, share, seed) for share in MASKED_SHARES}
        self.gapped = {share: side_by_side([
            hidden(pair, mask) for pair, mask in zip(masked, masks, strict=True)])
            for share, masks in self.masks.items()}

    def of_real(self, points: Values) -> dict[str, float]:
        """Return the figures of (N, T, 17, 2) or (N, T, 15, 2) points."""
        places = [in_truth_definition(clip, pair, self.offsets) if clip.shape[1] == 17
                  else clip + self.offsets * pair.box_px
                  for clip, pair in zip(self.found.cut(points), self.real, strict=True)]
        return accuracy(places, self.real)

    def of_masked(self, smoother: Smoother) -> dict[str, float]:
        """Return ``masked20`` and ``masked40``."""
        return {f'masked{share * 100:.0f}': masked_error(
            tracks.cut(smoother(tracks)), self.hidden_pairs, self.masks[share])
            for share, tracks in self.gapped.items()}

    def figures(self, method: Tuned) -> dict[str, float]:
        """Return all figures of a method."""
        return self.of_real(method.real(self.found)) | self.of_masked(method.masked)


def tune(
    train: Sequence[Pair], everything: Sequence[Pair], offsets: Floats,
    watch: Callable[[Tuned], None] = lambda _: None,
) -> list[Tuned]:
    """Return all methods of `CATALOGUE`, tuned, and the networks, trained.

    Args:
        train: clips for training whose detections fit the truth.
        everything: all clips for training.
        offsets: (15, 2).
        watch: called with each method.
    """
    tasks = Tasks(train, everything[::_EVERY], offsets, _TUNING_SEED)
    methods = []
    for baseline in CATALOGUE:
        methods.append(_tuned(baseline, tasks))
        watch(methods[-1])
    for causal in (True, False):
        methods.append(_network(causal, train, everything, offsets))
        watch(methods[-1])
    return methods


def _tuned(baseline: Baseline, tasks: Tasks) -> Tuned:
    limit = ACCELERATIONS[baseline.looks_ahead] if baseline.bounded else 1.0

    def real(smoother: Smoother) -> float:
        found = tasks.of_real(smoother(tasks.found))
        return found['pck@0.1'] - _EXCESS_COSTS * max(0.0, found['accel'] - limit)

    def masked(smoother: Smoother) -> float:
        return -sum(tasks.of_masked(smoother).values())

    return Tuned(baseline.name, baseline.looks_ahead,
                 tuned(baseline.real, baseline.real_choices, real),
                 tuned(baseline.masked, baseline.masked_choices, masked))


@dataclass(frozen=True)
class _Filled:
    """A network behind what fills the gaps, in the layout that it knows."""

    fill: Smoother
    network: Smoother

    def __call__(self, tracks: Tracks) -> Values:
        return self.network(filled(tracks, self.fill))


def filled(tracks: Tracks, fill: Smoother) -> Tracks:
    """Return the tracks without gaps, in the layout of the truth."""
    clips = tracks.cut(fill(tracks))
    if tracks.points.shape[2] == 17:
        clips = [to_truth_layout(clip) for clip in clips]
    return side_by_side(clips)


def _network(
    causal: bool, train: Sequence[Pair], everything: Sequence[Pair], offsets: Floats,
) -> Tuned:
    """Train on real noise, and anew on hidden joints: again one for each task."""
    settings = SmoothNetSettings(causal, acceleration_weight=0.1 if causal else 0.35)
    fill: Smoother = Hold(0.2) if causal else Between('linear', 0.2)
    gap: Smoother = Hold(with_body=True) if causal else Between('linear', with_body=True)
    found = side_by_side([pair.found for pair in train], [pair.scores for pair in train])
    wanted = side_by_side([in_detector_definition(pair, offsets) for pair in train])
    real = train_smoothnet([filled(found, fill)], wanted, settings)
    versions = [filled(tracks, gap) for seed in range(_MASKED_VERSIONS // 2)
                for tracks in Tasks(train[:1], everything, offsets, seed + 1).gapped.values()]
    truth = side_by_side([pair.truth for pair in everything])
    masked = train_smoothnet(versions, truth, replace(settings, epochs=_MASKED_EPOCHS))
    return Tuned(f'smoothnet_{"causal" if causal else "centred"}', not causal,
                 _Filled(fill, real), _Filled(gap, masked))
