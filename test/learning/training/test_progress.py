"""Progress is told by stage, to a bar and to TensorBoard."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.learning.place import Place
from neuropose_ros.learning.training.progress import Epoch, bar, tensorboard, together


def test_stages_of_a_run_are_named() -> None:
    seen: list[Epoch] = []
    place = Place(Path('run'), report=seen.append).below('refit')
    place.report(Epoch(1, 2, {'loss': 1.0}))
    assert seen[0].stage == 'refit' and place.folder == Path('run/refit')


def test_bar_shows_values(capsys: pytest.CaptureFixture[str]) -> None:
    with bar('little') as report:
        report(Epoch(1, 2, {'loss': 0.5}, 'selection'))
        report(Epoch(2, 2, {'loss': 0.25}, 'selection'))
    shown = capsys.readouterr().err
    assert 'little, selection' in shown and '2/2' in shown and 'loss=0.25' in shown
    with bar('hidden', hidden=True) as report:
        report(Epoch(1, 2, {'loss': 0.5}))
    assert 'hidden' not in capsys.readouterr().err


def test_curves_of_stages_do_not_mix(tmp_path: Path) -> None:
    events = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator', reason='needs TensorBoard')
    with tensorboard(tmp_path) as drawn:
        report = together(drawn)
        report(Epoch(1, 1, {'loss': 0.5}, 'selection'))
        report(Epoch(1, 1, {'loss': 0.4}, 'refit'))
    found = events.EventAccumulator(str(tmp_path)).Reload()
    assert set(found.Tags()['scalars']) == {'selection/loss', 'refit/loss'}
    with tensorboard(tmp_path / 'none', enabled=False) as report:
        report(Epoch(1, 1, {'loss': 0.5}))
    assert not (tmp_path / 'none').exists()
