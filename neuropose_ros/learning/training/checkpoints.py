"""Checkpoints: written whole or not at all, and refused where they do not belong."""

from __future__ import annotations

import errno
import io
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from neuropose_ros.core.errors import TrainingError

_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        identity: what the state was learnt with, as ``{'layout': 'coco17@1a2b'}``; plain values.
        state: tensors and plain values.
    """

    identity: Mapping[str, Any]
    state: Mapping[str, Any]


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a file, or leave the one that is there as it is.

    Raises:
        TrainingError: the disk is full, or the folder cannot be written to.
    """
    memory = io.BytesIO()
    torch.save({'format': _FORMAT, 'identity': dict(checkpoint.identity),
                'state': dict(checkpoint.state)}, memory)
    partial = path.with_name(f'.{path.name}.partial')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open('wb') as file:
            file.write(memory.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        what = (f'the disk is full ({len(memory.getbuffer()) / 1e6:.0f} MB are needed)'
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else f'it cannot be written ({error.strerror})')
        kept = 'the one before is kept: ' if path.exists() else ''
        raise TrainingError(
            f'{path}: {what}; {kept}make room and go on with --resume') from error


def read_checkpoint(path: Path, expected: Mapping[str, Any] | None = None) -> Checkpoint:
    """Read a file; nothing in it is executed.

    Args:
        expected: entries that its identity must have.

    Raises:
        TrainingError: it is not there, damaged, of another version, or was learnt with
            something else.
    """
    if not path.is_file():
        raise TrainingError(f'{path}: there is no such checkpoint')
    try:
        values = torch.load(path, map_location='cpu', weights_only=True)
        if values['format'] != _FORMAT:
            raise TrainingError(f'{path}: written by another version of this program '
                                f'(format {values["format"]}, not {_FORMAT}): train again')
        checkpoint = Checkpoint(values['identity'], values['state'])
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError,
            pickle.UnpicklingError) as error:
        raise TrainingError(f'{path}: not a checkpoint of this program, or damaged; '
                            'train again without --resume') from error
    check_identity(checkpoint.identity, expected or {}, str(path))
    return checkpoint


_WORDS = {
    'layout': 'the skeleton layout', 'labels': 'the labels', 'dimensions': 'the dimensions',
    'recipe': 'the recipe', 'data': 'the clips', 'seed': 'the seed', 'network': 'the network',
}


def check_identity(
    found: Mapping[str, Any], expected: Mapping[str, Any], where: str,
) -> None:
    """Compare what a checkpoint was learnt with to what is wanted.

    Raises:
        TrainingError: something differs; the sentence says what.
    """
    for key, wanted in expected.items():
        have = found.get(key)
        if have == wanted:
            continue
        what = _WORDS.get(key, key)
        if key == 'labels' and isinstance(have, list) and isinstance(wanted, list):
            raise TrainingError(f'{where}: {_labels_differ(have, wanted)}')
        raise TrainingError(f'{where}: {what} of these weights is {have}, here it is {wanted}: '
                            'they do not fit each other')


def _labels_differ(have: list[str], wanted: list[str]) -> str:
    missing = [label for label in wanted if label not in have]
    more = [label for label in have if label not in wanted]
    words = [f'the weights know {len(have)} labels, the data has {len(wanted)}']
    if missing:
        words.append(f'not known to the weights: {", ".join(missing[:5])}')
    if more:
        words.append(f'not in the data: {", ".join(more[:5])}')
    if not missing and not more:
        words.append('the same, but in another order')
    return '; '.join(words) + ': train a network for these labels'
