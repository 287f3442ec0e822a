"""What the feedback buys while the graph runs: recovery after an occlusion, detector runs saved.

Every clip runs through detector, estimator, tracker and refiner, the objects of the live graph.
What is found in it as it is, with the detector at every frame and without feedback, is the
reference. Then a plain card is painted over one person for a while, while everything else goes
on; found again is who has the same identity as before and lies within 0.1 of the box (diagonal)
of the reference, mean over the joints that it measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.cli.bench.many_models import load_networks
from neuropose_ros.cli.bench.refinement_live_clips import Clip, covered, load_clips
from neuropose_ros.cli.bench.refinement_live_runs import (
    WATCHED,
    Runner,
    Setting,
    Tally,
    is_measured,
    named_near,
    person_of,
    score_truth,
)
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.pose import Image, PoseFrame
from neuropose_ros.pose.gating import outline
from neuropose_ros.refinement.loading import load_refiner

PAIR = ('rtmdet-nano', 'movenet-lightning-int8')
DURATIONS = (8, 20)
"""Frames that somebody is hidden: within what the refiner bridges, and beyond."""
REFERENCE = Setting('every frame', False, 1)
SETTINGS = (Setting('without feedback', False, 5), Setting('with feedback', True, 5))
"""As the pose node runs by default, and the same without the topic."""
MOST = 3
SEEDS = (0, 1)
_WARM_UP, _AFTER = 15, 5

Results = Mapping[str, Mapping[str, Tally]]
"""By kind of clip and name of the setting."""


class Trial:
    """One person of a clip behind a card in the frames from ``start`` to before ``stop``."""

    def __init__(
        self, clip: Clip, victim: int, start: int, stop: int, reference: Sequence[PoseFrame],
    ) -> None:
        """Take the clip, whom to hide (an id of the reference), and when."""
        self.clip, self.victim, self.reference = clip, victim, reference
        self.start, self.stop = start, stop
        self.first = start - _WARM_UP
        self.last = min(stop + WATCHED, len(reference))

    def shown(self, index: int) -> Image | None:
        """Return the picture with the card, None where there is none."""
        person = person_of(self.reference[index], self.victim)
        if person is None or not self.start <= index < self.stop:
            return None
        return covered(self.clip.images[index], outline(person))


def trials(
    clip: Clip, reference: Sequence[PoseFrame], durations: Sequence[int], most: int,
) -> Iterator[Trial]:
    """Give who can be hidden when: who is followed all the time around.

    Args:
        most: of each duration, spread over the clip.
    """
    ids = [{one.track_id for one in frame.persons if one.track_id >= 0} for frame in reference]
    for duration in durations:
        possible = []
        for start in range(_WARM_UP, len(reference) - duration - _AFTER):
            stop = start + duration
            people = set.intersection(*ids[start - _AFTER:stop + _AFTER])
            possible += [Trial(clip, one, start, stop, reference) for one in sorted(people)]
        chosen = np.linspace(0, len(possible) - 1, min(most, len(possible))).astype(int)
        yield from (possible[index] for index in chosen)


def try_out(trial: Trial, runner: Runner, tally: Tally) -> None:
    """Hide the person and watch."""
    reference = trial.reference
    looks, names, name = 0, dict[int, int](), None
    poses = runner.run(trial.clip, trial.first, trial.last, trial.shown)
    for index, found in enumerate(poses, trial.first):
        if index == trial.start - 1:
            names = {one.track_id: near for one in reference[index].persons
                     if (near := named_near(found, one)) is not None}
            name = names.pop(trial.victim, None)
            looks = runner.looks
        if index < trial.start:
            continue
        if name is None:
            break
        tally.trial_frames += 1
        if index < trial.stop:
            tally.hidden += 1
            tally.ghosts += any(
                one.track_id == name and is_measured(one) for one in found.persons)
            known = [one for one in reference[index].persons if one.track_id in names]
            tally.others += len(known)
            tally.kept += sum(named_near(found, one) == names[one.track_id] for one in known)
            continue
        person = person_of(reference[index], trial.victim)
        if person is not None and named_near(found, person) == name:
            tally.delays.append(index - trial.stop)
            break
    else:
        tally.delays.append(None)
    tally.trial_looks += runner.looks - looks


def run_live(
    data: Path, seeds: Sequence[int] = SEEDS, settings: Sequence[Setting] = SETTINGS,
) -> dict[str, dict[str, Tally]]:
    """Return what happened, with the refiner as the node runs it by default.

    Raises:
        NeuroposeError: a network or a clip cannot be had.
    """
    networks = load_networks(data, 1, PAIR[:1], PAIR[1:])
    refiner = load_refiner(announce=lambda _: None)
    results: dict[str, dict[str, Tally]] = {}
    try:
        if networks.absent:
            raise NeuroposeError('; '.join(
                f'{name}: {why}' for name, why in networks.absent.items()))
        both = networks.detectors[PAIR[0]], networks.estimators[PAIR[1]]
        for clip in load_clips(data, seeds):
            tallies = results.setdefault(
                clip.kind, {one.name: Tally() for one in (REFERENCE, *settings)})
            runner = Runner(REFERENCE, *both, refiner)
            reference = _whole(clip, runner, tallies[REFERENCE.name])
            for setting in settings:
                runner, tally = Runner(setting, *both, refiner), tallies[setting.name]
                _whole(clip, runner, tally)
                for trial in trials(clip, reference, DURATIONS, MOST):
                    try_out(trial, runner, tally)
    finally:
        refiner.close()
        networks.close()
    return results


def _whole(clip: Clip, runner: Runner, tally: Tally) -> list[PoseFrame]:
    """Run a clip as it is."""
    poses = list(runner.run(clip))
    tally.frames += len(poses)
    tally.looks += runner.looks
    score_truth(clip, poses, runner.layout, tally)
    return poses


def measure(data: Path, out: Path) -> dict[str, Any]:
    """Measure, print a table, draw `live.png` in ``out`` and return flat figures."""
    results = run_live(data)
    show(results)
    plot(results, out / 'live.png')
    return as_figures(results)


def as_figures(results: Results) -> dict[str, Any]:
    """Return the figures over all clips, and each kind's under ``live``."""
    sums = {one.name: _sum([tallies[one.name] for tallies in results.values()])
            for one in (REFERENCE, *SETTINGS)}
    every, without, told = (sums[one.name] for one in (REFERENCE, *SETTINGS))
    return {
        'recovery_frames_with_feedback': told.recovery_frames,
        'recovery_frames_without_feedback': without.recovery_frames,
        'recovered_with_feedback': told.recovered,
        'recovered_without_feedback': without.recovered,
        'detector_runs_saved': 1 - told.looks / max(without.looks, 1),
        'detector_runs_saved_over_every_frame': 1 - told.looks / max(every.looks, 1),
        'identity_kept': told.kept_share,
        'identity_switches_with_feedback': told.switches,
        'identity_switches_without_feedback': without.switches,
        'newcomer_frames_with_feedback': told.newcomer_frames,
        'newcomer_frames_without_feedback': without.newcomer_frames,
        'live_pck@0.1_with_feedback': told.pck,
        'live_pck@0.1_without_feedback': without.pck,
        'live_pck@0.1_every_frame': every.pck,
        'live': {kind: {name: asdict(tally) for name, tally in tallies.items()}
                 for kind, tallies in results.items()},
    }


def _sum(tallies: Sequence[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def show(results: Results) -> None:
    """Print the table."""
    heads = ('occlusions', 'found', 'frames', 'at once', 'ghosts', 'others', 'looks', 'hidden',
             'PCK@.1', 'switches', 'newcomer')
    print('occlusions: how many; found: again within 30 frames; frames: mean, until then; at '
          'once: in the\nfirst frame; ghosts: hidden people reported as measured; others: kept '
          'meanwhile; looks: of the\ndetector per frame, on clips as they are; hidden: the same '
          'around occlusions; newcomer: mean frames\nuntil somebody new is found')
    print(f'{"":32}' + ''.join(f'{head:>11}' for head in heads))
    for kind, tallies in results.items():
        for name, tally in tallies.items():
            values = (
                len(tally.delays), tally.recovered, tally.recovery_frames, tally.at_once,
                tally.ghosts / max(tally.hidden, 1), tally.kept_share,
                tally.looks / max(tally.frames, 1),
                tally.trial_looks / max(tally.trial_frames, 1), tally.pck, tally.switches,
                tally.newcomer_frames)
            print(f'{kind:14}{name:18}' + ''.join(f'{value:11.4g}' for value in values))


def plot(results: Results, path: Path) -> None:
    """Write a PNG: the share of people found again, by frames since they can be seen."""
    import matplotlib as mpl
    mpl.use('Agg')
    from matplotlib import pyplot as plt

    frames = np.arange(WATCHED)
    figure, axes = plt.subplots(1, len(results), figsize=(3.2 * len(results), 2.6), sharey=True,
                                squeeze=False, layout='constrained')
    for axis, (kind, tallies) in zip(axes[0], results.items(), strict=True):
        for setting in SETTINGS:
            delays = tallies[setting.name].delays
            known = np.array([one for one in delays if one is not None])
            axis.step(frames, [(known <= frame).sum() / max(len(delays), 1) for frame in frames],
                      where='post', label=setting.name)
        axis.set_title(kind, fontsize=9)
        axis.set_xlabel('frames since the card is gone', fontsize=8)
    axes[0][0].set_ylabel('found again', fontsize=8)
    axes[0][0].set_ylim(0, 1.03)
    axes[0][-1].legend(fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)
