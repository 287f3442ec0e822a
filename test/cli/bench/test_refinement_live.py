"""Hiding somebody and finding them again, with networks whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.bench import refinement_live as live
from neuropose_ros.cli.bench.refinement_live_clips import Clip, covered
from neuropose_ros.cli.bench.refinement_live_runs import (
    WATCHED,
    Runner,
    Setting,
    Tally,
    named_near,
    person_of,
)
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.refinement.loading import Refiner

from ...pose import stick_figures as sticks

FRAMES = 70
BOXES = (40, 60, 80, 180), (200, 60, 240, 180)


@pytest.fixture
def clip() -> Clip:
    return Clip('two', 'sticks', 30.0, (sticks.drawn(*BOXES),) * FRAMES)


def runner(feedback: bool = True, every: int = 5) -> Runner:
    estimator = sticks.Estimator()
    estimator.full = {200: BOXES[0], 201: BOXES[1]}
    return Runner(Setting('', feedback, every), sticks.Detector(), estimator, Refiner())


def test_a_card_hides_a_person_and_nothing_else(clip: Clip) -> None:
    image = clip.images[0]
    hidden = covered(image, np.array((40, 60, 80, 180), np.float32))
    assert len(np.unique(hidden[60:181, 40:81].reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(hidden[:, 120:], image[:, 120:])
    assert (image[60:181, 40:81] > 190).any(), 'the picture itself stays'


def test_the_right_person_is_found_again(clip: Clip) -> None:
    run = runner(feedback=False, every=1)
    reference = list(run.run(clip))
    assert run.looks == FRAMES
    [first, *_] = live.trials(clip, reference, (8,), 3)
    assert first.stop - first.start == 8
    tally = Tally()
    live.try_out(first, runner(), tally)
    assert tally.delays == [0]
    assert tally.hidden == 8
    assert (tally.ghosts, tally.kept, tally.others) == (0, 8, 8)
    assert tally.trial_frames == 9


def test_trials_are_spread_and_bounded(clip: Clip) -> None:
    reference = list(runner(every=1).run(clip))
    found = list(live.trials(clip, reference, (8, 20), 4))
    assert [trial.stop - trial.start for trial in found] == [8] * 4 + [20] * 4
    assert len({(trial.victim, trial.start) for trial in found[:4]}) == 4
    assert found[3].last <= FRAMES
    assert list(live.trials(clip, reference, (FRAMES,), 4)) == []


def test_who_stays_away_is_not_found(clip: Clip) -> None:
    reference = list(runner(every=1).run(clip))
    trial = next(iter(live.trials(clip, reference, (8,), 1)))
    gone = tuple(sticks.drawn() if i >= trial.start else image
                 for i, image in enumerate(clip.images))
    tally = Tally()
    live.try_out(live.Trial(Clip('gone', 'sticks', 30.0, gone), trial.victim, trial.start,
                            trial.stop, reference), runner(), tally)
    assert tally.delays == [None]
    assert tally.recovery_frames == WATCHED


def test_feedback_saves_detector_runs(clip: Clip) -> None:
    told, untold = runner(), runner(feedback=False)
    for run in (told, untold):
        assert all(len(frame.persons) == 2 for frame in run.run(clip))
    assert told.looks < 0.6 * untold.looks


def test_figures_are_sums_over_the_kinds(capsys: pytest.CaptureFixture[str],
                                         tmp_path: Path) -> None:
    def tally(delay: int | None, looks: int) -> Tally:
        return Tally(delays=[delay], looks=looks, frames=10, near=8, joints=10)
    names = (live.REFERENCE.name, *(one.name for one in live.SETTINGS))
    results = {kind: dict(zip(names, (tally(0, 10), tally(4, 5), tally(late, 2)), strict=True))
               for kind, late in (('a', 0), ('b', None))}
    figures = live.as_figures(results)
    assert figures['recovery_frames_without_feedback'] == 4
    assert figures['recovery_frames_with_feedback'] == WATCHED / 2
    assert figures['recovered_with_feedback'] == 0.5
    assert figures['detector_runs_saved'] == pytest.approx(0.6)
    assert figures['detector_runs_saved_over_every_frame'] == pytest.approx(0.8)
    live.show(results)
    assert 'without feedback' in capsys.readouterr().out
    live.plot(results, tmp_path / 'live.png')
    assert (tmp_path / 'live.png').stat().st_size > 1000


def test_nobody_is_near_in_an_empty_frame(clip: Clip) -> None:
    frame = next(runner().run(clip))
    empty = PoseFrame(1, 1, frame.layout, 320, 240)
    assert named_near(empty, frame.persons[0]) is None
    assert person_of(empty, 1) is None
