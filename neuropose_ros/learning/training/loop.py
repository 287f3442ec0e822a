"""The loop that everything learns in: epochs, validation, checkpoints, several processes.

All randomness of an epoch comes from the seed and the epoch's number, so a run that was cut off
and goes on ends in the same weights, to the bit, as one that was not.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import torch
from torch import nn

from neuropose_ros.core.allocator import keep_freed_memory
from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.training.averaging import WeightAverage
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from neuropose_ros.learning.training.optimisation import make_optimiser, rate_at, set_rate
from neuropose_ros.learning.training.processes import Team, alone
from neuropose_ros.learning.training.progress import Epoch, Report, silent
from neuropose_ros.learning.training.settings import LoopSettings

Batch = TypeVar('Batch')

CHECKPOINT = 'checkpoint.pt'


class Task(Protocol[Batch]):
    """What is learnt, and from what."""

    network: nn.Module
    steps_per_epoch: int

    def batches(self, epoch: int, team: Team) -> Iterator[Batch]:
        """Give this process' part of each batch of an epoch: the same for the same number."""

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return scalars; the network learns to make their sum small."""

    def score(self, network: nn.Module) -> dict[str, float]:
        """Judge by the validation part; the first value decides, more is better. {} = no part."""


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        network: with the weights that were selected, for use.
        epochs: that were run.
        best_epoch: whose weights these are.
        score: of these weights on the validation part; {} without one.
        history: values of every epoch.
    """

    network: nn.Module
    epochs: int
    best_epoch: int
    score: Mapping[str, float]
    history: tuple[Mapping[str, float], ...] = field(repr=False)


def derived_seed(*parts: int | str) -> int:
    """Return a seed that depends on all the parts."""
    text = '/'.join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], 'big')


def fit(
    task: Task[Any], settings: LoopSettings, seed: int, *, folder: Path | None = None,
    resume: bool = False, identity: Mapping[str, Any] | None = None, report: Report = silent,
    team: Team | None = None,
) -> Trained:
    """Train a task's network.

    Args:
        folder: for checkpoints; None = none are written.
        resume: go on from the checkpoint in the folder, where there is one.
        identity: what a checkpoint to resume from must have been learnt with.
        team: the processes that learn together.

    Raises:
        TrainingError: the loss is not finite, the disk is full, or the checkpoint does not fit.
    """
    keep_freed_memory()
    run = _Run(task, settings, seed, folder, identity or {}, team or alone())
    if resume and folder is not None:
        run.resume(folder / CHECKPOINT)
    while run.epoch < settings.epochs and not run.exhausted:
        run.advance()
        report(Epoch(run.epoch, settings.epochs, run.history[-1]))
    return run.result()


class _Run(Generic[Batch]):
    """The state of a training between two epochs."""

    def __init__(
        self, task: Task[Batch], settings: LoopSettings, seed: int, folder: Path | None,
        identity: Mapping[str, Any], team: Team,
    ) -> None:
        self.identity = {**identity, 'seed': seed}
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self._task, self._settings, self._seed = task, settings, seed
        self._folder, self._team = folder, team
        self._network = task.network.to(team.device)
        self._shared = team.wrap(self._network)
        self._average = (
            WeightAverage(self._network, settings.ema_decay) if settings.ema_decay else None)
        self._optimiser = make_optimiser(self._network, settings)
        self._best_epoch, self._best_score = 0, dict[str, float]()
        self._best: dict[str, torch.Tensor] | None = None
        self._saved_at = time.monotonic()

    @property
    def exhausted(self) -> bool:
        """Whether the validation part has seen nothing better for too long."""
        patience = self._settings.patience_epochs
        return bool(patience and self._best_score
                    and self.epoch - self._best_epoch >= patience)

    @property
    def _judged(self) -> nn.Module:
        return self._average.network if self._average else self._network

    def advance(self) -> None:
        """Run one epoch, look at the validation part, and save."""
        values = self._learn()
        self.epoch += 1
        last = self.epoch == self._settings.epochs
        if last or self.epoch % self._settings.evaluate_every == 0:
            score = self._team.agree(self._score())
            values.update(score)
            self._compare(score)
        self.history.append(values)
        due = time.monotonic() - self._saved_at >= self._settings.checkpoint_every_s
        if self._team.agree(due) or last or self.exhausted:
            self._save()

    def _learn(self) -> dict[str, float]:
        settings, team = self._settings, self._team
        torch.manual_seed(derived_seed(self._seed, self.epoch, team.rank))
        self._shared.train()
        totals: dict[str, torch.Tensor] = {}
        steps, of = 0, max(self._task.steps_per_epoch, 1)
        for batch in self._task.batches(self.epoch, team):
            rate = rate_at(self.epoch + min(steps / of, 1.0), settings)
            set_rate(self._optimiser, rate)
            for name, value in self._step(batch, steps).items():
                totals[name] = totals.get(name, torch.zeros(())) + value
            steps += 1
        if not steps:
            raise TrainingError('there is not one batch to learn from')
        return {**{name: float(total) / steps for name, total in totals.items()},
                'learning_rate': rate}

    def _step(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        self._optimiser.zero_grad(set_to_none=True)
        with self._precision():
            losses = self._task.losses(self._shared, batch)
        total = torch.stack([value.float() for value in losses.values()]).sum()
        values = self._team.mean(torch.stack([
            total.detach(), *(value.detach().float() for value in losses.values())])).cpu()
        if not torch.isfinite(values).all():
            bad = [name for name, value in zip(losses, values[1:], strict=True)
                   if not torch.isfinite(value)]
            raise TrainingError(
                f'the loss ({", ".join(bad)}) is not a finite number in epoch {self.epoch + 1}, '
                f'step {step + 1}: a smaller learning_rate or gradient_clip may help; the last '
                'checkpoint is good')
        total.backward()
        if self._settings.gradient_clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.gradient_clip)
        self._optimiser.step()
        if self._average:
            self._average.update(self._network)
        return dict(zip(('loss', *losses), values, strict=True))

    def _precision(self) -> contextlib.AbstractContextManager[None]:
        # bfloat16 has float32's range: gradients need no scaling.
        kind, wanted = self._team.device.type, self._settings.precision
        if wanted == 'bfloat16' or (wanted == 'auto' and kind == 'cuda'):
            return cast('contextlib.AbstractContextManager[None]',
                        torch.autocast(kind, torch.bfloat16))
        return contextlib.nullcontext()

    def _score(self) -> dict[str, float]:
        network = self._judged.eval()
        with torch.inference_mode():
            return self._task.score(network)

    def _compare(self, score: dict[str, float]) -> None:
        if not score:
            return
        first = next(iter(score))
        if not self._best_score or score[first] > self._best_score[first]:
            self._best_epoch, self._best_score = self.epoch, score
            self._best = copy.deepcopy(self._judged.state_dict())

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._folder is None or not self._team.leads:
            return
        write_checkpoint(Checkpoint(self.identity, {
            'epoch': self.epoch, 'history': self.history,
            'network': self._network.state_dict(), 'optimiser': self._optimiser.state_dict(),
            'average': self._average.network.state_dict() if self._average else None,
            'average_steps': self._average.steps if self._average else 0,
            'best': self._best, 'best_epoch': self._best_epoch, 'best_score': self._best_score,
        }), self._folder / CHECKPOINT)

    def resume(self, path: Path) -> None:
        """Go back to where a checkpoint was written, if there is one."""
        # Other hosts may not see the leader's disk.
        found = self._team.agree(
            read_checkpoint(path, self.identity) if self._team.leads and path.exists() else None)
        if found is not None:
            self._restore(found.state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._network.load_state_dict(state['network'])
        self._optimiser.load_state_dict(state['optimiser'])
        if self._average:
            self._average.network.load_state_dict(state['average'])
            self._average.steps = state['average_steps']
        self.epoch, self.history = state['epoch'], state['history']
        self._best, self._best_epoch = state['best'], state['best_epoch']
        self._best_score = state['best_score']

    def result(self) -> Trained:
        """Return the network with the selected weights."""
        network, epoch = self._judged, self.epoch
        score = dict(self._best_score) if epoch == self._best_epoch else self._team.agree(
            self._score())
        if self._settings.select == 'best' and self._best is not None:
            network = copy.deepcopy(network)
            network.load_state_dict(self._best)
            epoch, score = self._best_epoch, dict(self._best_score)
        return Trained(network.eval(), self.epoch, epoch, score, tuple(self.history))
