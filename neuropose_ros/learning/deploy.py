"""Putting a recogniser where nodes find it: whole, checked, and not over another by mistake."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropose_ros.action.description import (
    STEP_FILE,
    RecogniserDescription,
    read_description,
)
from neuropose_ros.action.recogniser import check_file, load_recogniser
from neuropose_ros.action.store import deploy_folder, list_recognisers
from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.learning.new_folder import put_in_place


@dataclass(frozen=True)
class DeploySettings:
    """Where a recogniser goes.

    Attributes:
        to: folder of recognisers; '' = the first of the user's own places.
        name: to be found by; '' = its own.
        replace: put it in the place of another one of that name.
    """

    to: str = ''
    name: str = ''
    replace: bool = False

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            ParameterError: it cannot be a folder's.
        """
        if self.name and (Path(self.name).name != self.name or self.name.startswith('.')):
            raise ParameterError(f'name is {self.name!r}; a plain name for a folder is allowed')


def deploy(source: Path, settings: DeploySettings | None = None) -> Path:
    """Copy a recogniser's folder to where nodes find it by name; return the new folder.

    Raises:
        ModelError: it is damaged or does not run, another one of that name is there, or the
            place cannot be written.
    """
    settings = settings or DeploySettings()
    description = read_description(source)
    for name in description.networks:
        check_file(source / name, description)
    _try_out(source, description)
    place = Path(settings.to).expanduser().absolute() if settings.to else deploy_folder()
    target = place / (settings.name or description.name)
    if target.exists() and target.samefile(source):
        return target
    put(source, target, replace=settings.replace)
    return target


def put(source: Path, target: Path, *, replace: bool) -> None:
    """Copy a folder, whole or not at all; its parent is made.

    Raises:
        ModelError: there is one already that is not to be replaced, or it cannot be written.
    """
    if target.exists() and not replace:
        raise ModelError(f'{target}: there is one of that name already: replace it by --set '
                         'replace=true, or give another name by --set name=NAME')
    place = target.parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix='.deploy-') as beside:
            copy = Path(beside) / 'copy'
            shutil.copytree(source, copy)
            put_in_place(copy, target)
    except (OSError, shutil.Error) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ModelError(f'{target}: cannot be written ({reason}): make room or give permission '
                         'there, or name another folder') from error


def name_for_node(target: Path) -> str:
    """Return what a node is given to find a folder: its name, else its path.

    The path where the name means another recogniser, or the folder is in none of the places.
    """
    found = list_recognisers().get(target.name)
    return target.name if found is not None and found.samefile(target) else str(target)


def _try_out(source: Path, description: RecogniserDescription) -> None:
    """Run one tick: what does not run here is not put where a node starts it."""
    if STEP_FILE not in description.networks:
        raise ModelError(f'{source}: it recognises whole clips only and cannot run in a stream: '
                         'train one with network.causal and sampling.causal true')
    recogniser = load_recogniser(source, announce=lambda _: None)
    try:
        shape = 2, len(description.layout), description.dimensions
        recogniser.step(np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32),
                        recogniser.initial_states(2))
    finally:
        recogniser.close()
