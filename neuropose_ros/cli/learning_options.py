"""What the commands that learn share."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tqdm import tqdm

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.resources import config_folder

if TYPE_CHECKING:
    from neuropose_ros.learning.place import Place

Section = TypeVar('Section')


def need_torch() -> None:
    """Check that what learning needs is installed.

    Raises:
        TrainingError: it is not; the sentence says how to get it.
    """
    if importlib.util.find_spec('torch') is None:
        raise TrainingError(
            'training needs PyTorch, which is not installed: start this command by ./neuropose, '
            'which installs it, or: pip install -r requirements-learning.txt')


def add_settings_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare where the settings of a command come from; `read_settings` reads them."""
    parser.add_argument(
        '--config', type=Path, help=f'YAML; default: config/learning/{command}.yaml')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                        help='instead of what the YAML says; may be repeated')


def settings_path(args: argparse.Namespace, command: str) -> Path:
    """Return the YAML file that the arguments name, or that of the package."""
    given: Path | None = args.config
    return given or config_folder() / 'learning' / f'{command}.yaml'


def read_settings(section: type[Section], args: argparse.Namespace, command: str) -> Section:
    """Return the settings of a command: its YAML file, and what ``--set`` says instead.

    Raises:
        ParameterError: see `learning.config`.
    """
    from neuropose_ros.learning.config import override, parse, read_yaml

    path = settings_path(args, command)
    return parse(section, override(read_yaml(path), args.set), str(path))


def add_training_arguments(parser: argparse.ArgumentParser, config: str, out: str) -> None:
    """Declare what pretrain and train share."""
    parser.add_argument('--data', type=Path, required=True, help='folder or file with the clips')
    add_learning_arguments(parser, config, out)
    parser.add_argument('--split', default='', help='of the data set; default: as the YAML says')
    parser.add_argument('--cache', type=Path, help='of the poses of videos')
    parser.add_argument('--workers', type=int, default=1, help='processes that read videos')


def add_learning_arguments(parser: argparse.ArgumentParser, config: str, out: str) -> None:
    """Declare what is the same whatever is learnt."""
    parser.add_argument('--config', default=config,
                        help='a YAML file, or the name of a recipe; default: config/learning')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='instead of what the YAML says; may be repeated')
    parser.add_argument('--out', type=Path, default=Path(out), help=f'folder; default: {out}')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--resume', action='store_true', help='go on where the last run stopped')
    parser.add_argument('--no-tensorboard', action='store_true', help='write no curves')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def keep_earlier_run(args: argparse.Namespace, *files: str) -> None:
    """Check that a training which begins anew writes over no other.

    Args:
        files: that tell of one, in the folder it is written to.

    Raises:
        TrainingError: there is one, and it is not to be gone on with.
    """
    there = [file for file in files if (args.out / file).exists()]
    if there and not args.resume:
        raise TrainingError(f'{args.out} holds an earlier run ({there[0]}): go on with it by '
                            '--resume, or choose another folder by --out')


@contextlib.contextmanager
def training_place(args: argparse.Namespace, title: str) -> Iterator[Place]:
    """Give the place that the arguments describe, with a bar and curves."""
    from neuropose_ros.learning.place import Place
    from neuropose_ros.learning.training.processes import joined_team
    from neuropose_ros.learning.training.progress import bar, tensorboard, together

    with joined_team(args.device) as team:
        with bar(title, not team.leads) as shown, tensorboard(
                args.out / 'tensorboard', team.leads and not args.no_tensorboard) as drawn:
            try:
                yield Place(args.out, args.resume, together(shown, drawn), team)
            except KeyboardInterrupt:
                if team.leads:
                    print(f'interrupted; --resume goes on from the checkpoint in {args.out}',
                          file=sys.stderr)
                raise


class NamedJob(Protocol):
    """A training among many."""

    @property
    def name(self) -> str:
        """Unique among them."""
        ...


class JobBar:
    """A bar over many trainings, with the newest beside it."""

    def __init__(self, title: str, jobs: Sequence[NamedJob]) -> None:
        """Take a title and what will be done."""
        self._shares = dict.fromkeys(jobs, 0.0)
        self._bar = tqdm(
            total=len(jobs), desc=title, unit='training', dynamic_ncols=True,
            bar_format='{desc}: {percentage:3.0f}% |{bar}| {elapsed} < {remaining}{postfix}')

    def __enter__(self) -> JobBar:
        """Show it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave it as it stands."""
        self._bar.close()

    def show(self, job: NamedJob, share: float) -> None:
        """Move on; a training of several stages does not move back."""
        before = self._shares[job]
        if share > before:
            self._shares[job] = share
            done = sum(value >= 1 for value in self._shares.values())
            self._bar.set_postfix_str(f'{job.name}, {done}/{len(self._shares)} done', False)
            self._bar.update(share - before)


def held_back_words(facts: Mapping[str, Any]) -> str:
    """Say how good a pose network is on the people held back, by what it was trained on."""
    judged = ', '.join(f'{name} {value:.3f}' for name, value in facts['validation'].items())
    return f'on those held back: {judged or "none were held back"}'


def tell_pose_weights(
    args: argparse.Namespace, words: str, path: Path, facts: Mapping[str, Any],
) -> None:
    """Print what was learnt, what to do with it, and the facts where JSON is asked for."""
    print(words)
    print(f'`neuropose export {args.out} FOLDER` makes a model of it, `neuropose deploy FOLDER` '
          'puts it where the pose node finds it')
    if args.json:
        print(json.dumps({'weights': str(path), **facts}))
