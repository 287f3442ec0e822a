"""The loop learns, stops, keeps the best, and goes on after a cut as if there had been none."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch
from torch import nn

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.training.checkpoints import read_checkpoint
from neuropose_ros.learning.training.loop import CHECKPOINT, derived_seed, fit
from neuropose_ros.learning.training.optimisation import rate_at
from neuropose_ros.learning.training.processes import Team
from neuropose_ros.learning.training.settings import LoopSettings

SETTINGS = LoopSettings(epochs=6, learning_rate=0.02, ema_decay=0.5,
                        checkpoint_every_s=0)


class Line:
    """Two classes on either side of a line, with dropout and batch norm in the way."""

    def __init__(self, bad_from: int = 1000, scores: tuple[float, ...] = ()) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(),
                                     nn.Dropout(0.2), nn.Linear(8, 2))
        self.steps_per_epoch = 4
        self.points = torch.randn(32, 3)
        self.labels = (self.points.sum(1) > 0).long()
        self.bad_from, self.scores, self.asked = bad_from, list(scores), 0

    def batches(self, epoch: int, team: Team) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        order = np.random.default_rng(epoch).permutation(32)
        for part in order.reshape(4, 8):
            mine = torch.from_numpy(part[team.rank::team.size])
            yield self.points[mine] * (np.nan if epoch >= self.bad_from else 1), self.labels[mine]

    def losses(self, network: nn.Module, batch: tuple[torch.Tensor, torch.Tensor],
               ) -> dict[str, torch.Tensor]:
        return {'class': nn.functional.cross_entropy(network(batch[0]), batch[1])}

    def score(self, network: nn.Module) -> dict[str, float]:
        if self.scores:
            self.asked += 1
            return {'given': self.scores[self.asked - 1]}
        right = network(self.points).argmax(1) == self.labels
        return {'top1': float(right.float().mean())}


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns() -> None:
    trained = fit(Line(), replace(SETTINGS, epochs=30), 1)
    assert trained.score['top1'] > 0.9
    assert trained.history[-1]['loss'] < trained.history[0]['loss'] / 2


@pytest.mark.parametrize('select', ['last', 'best'])
def test_a_run_that_was_cut_off_ends_in_the_same_weights(tmp_path: Path, select: str) -> None:
    settings = replace(SETTINGS, select=select)
    whole = fit(Line(), settings, 1)

    def cut(epoch: object) -> None:
        if getattr(epoch, 'number', 0) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Line(), settings, 1, folder=tmp_path, report=cut)
    torch.manual_seed(99)
    resumed = fit(Line(), settings, 1, folder=tmp_path, resume=True)
    assert same(whole.network, resumed.network)
    assert whole.history == resumed.history and resumed.epochs == 6
    assert whole.best_epoch == resumed.best_epoch


def test_without_resume_it_starts_anew(tmp_path: Path) -> None:
    fit(Line(), SETTINGS, 1, folder=tmp_path)
    numbers: list[int] = []
    fit(Line(), SETTINGS, 1, folder=tmp_path, report=lambda epoch: numbers.append(epoch.number))
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_seeds_differ_and_repeat() -> None:
    first, again, other = (fit(Line(), SETTINGS, seed).network for seed in (1, 1, 2))
    assert same(first, again) and not same(first, other)
    assert derived_seed(1, 23) != derived_seed(12, 3)


def test_best_epoch_is_kept_and_patience_ends_it() -> None:
    task = Line(scores=(0.1, 0.7, 0.3, 0.7, 0.6, 0.2))
    trained = fit(task, replace(SETTINGS, select='best', patience_epochs=2), 1)
    assert (trained.best_epoch, trained.epochs, trained.score) == (2, 4, {'given': 0.7})
    assert same(trained.network, fit(Line(), replace(SETTINGS, epochs=6), 1).network) is False


def test_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    fit(Line(), SETTINGS, 1, folder=tmp_path, identity={'layout': 'coco17@1', 'labels': ['a']})
    with pytest.raises(TrainingError, match='layout of these weights is coco17@1, here it is x'):
        fit(Line(), SETTINGS, 1, folder=tmp_path, resume=True, identity={'layout': 'x'})
    with pytest.raises(TrainingError, match='not known to the weights: b'):
        fit(Line(), SETTINGS, 1, folder=tmp_path, resume=True, identity={'labels': ['a', 'b']})
    with pytest.raises(TrainingError, match='the seed of these weights is 1, here it is 2'):
        fit(Line(), SETTINGS, 2, folder=tmp_path, resume=True)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    fit(Line(), SETTINGS, 1, folder=tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match='damaged'):
        fit(Line(), SETTINGS, 1, folder=tmp_path, resume=True)


def test_loss_that_is_no_number_ends_it_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r'the loss \(class\) .* in epoch 3, step 1'):
        fit(Line(bad_from=2), SETTINGS, 1, folder=tmp_path)
    state = read_checkpoint(tmp_path / CHECKPOINT).state
    assert state['epoch'] == 2
    assert all(torch.isfinite(value).all() for value in state['network'].values())


def test_full_disk_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit(Line(), replace(SETTINGS, epochs=2), 1, folder=tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(TrainingError, match=r'the disk is full .* go on with --resume'):
        fit(Line(), SETTINGS, 1, folder=tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_rate_climbs_and_falls() -> None:
    settings = LoopSettings(epochs=10, warmup_epochs=2, learning_rate=1.0, final_rate=0.1)
    rates = [rate_at(epoch, settings) for epoch in np.linspace(0, 10, 101)]
    assert rates[0] < 0.01 and max(rates) == pytest.approx(1.0)
    assert np.argmax(rates) == 20 and rates[-1] == pytest.approx(0.1)
