"""How far a training is: a bar for people, curves for TensorBoard."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from neuropose_ros.core.errors import TrainingError


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Attributes:
        number: from 1.
        of: epochs in all.
        values: losses, scores and the learning rate, by name.
        stage: which of the trainings that make up a run; '' = it is the only one.
    """

    number: int
    of: int
    values: Mapping[str, float]
    stage: str = ''


Report = Callable[[Epoch], None]


def silent(epoch: Epoch) -> None:
    """Tell nobody."""


def together(*reports: Report) -> Report:
    """Return a report that goes to all of these."""
    def report(epoch: Epoch) -> None:
        for one in reports:
            one(epoch)
    return report


@contextlib.contextmanager
def bar(title: str, hidden: bool = False) -> Iterator[Report]:
    """Show a bar on standard error, with the newest values beside it."""
    with tqdm(desc=title, unit='epoch', disable=hidden, dynamic_ncols=True) as shown:
        def report(epoch: Epoch) -> None:
            if epoch.stage:
                shown.set_description(f'{title}, {epoch.stage}', refresh=False)
            shown.total = epoch.of
            shown.set_postfix({name: f'{value:.3g}' for name, value in epoch.values.items()})
            shown.update(epoch.number - shown.n)
        yield report


@contextlib.contextmanager
def tensorboard(folder: Path, enabled: bool = True) -> Iterator[Report]:
    """Write curves that ``tensorboard --logdir FOLDER`` shows.

    Raises:
        TrainingError: TensorBoard is not installed.
    """
    if not enabled:
        yield silent
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError('the curves need TensorBoard: pip install tensorboard, or leave '
                            'them out with --no-tensorboard') from error
    writer = SummaryWriter(str(folder))

    def report(epoch: Epoch) -> None:
        for name, value in epoch.values.items():
            writer.add_scalar(f'{epoch.stage}/{name}'.strip('/'), value, epoch.number)
    try:
        yield report
    finally:
        writer.close()
