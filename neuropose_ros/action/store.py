"""Where recognisers lie: folders that `neuropose export` wrote, found by name or path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.action.description import FILE_NAME
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.resources import config_folder

DEFAULT = 'jhmdb14'
VARIABLE = 'NEUROPOSE_RECOGNISERS'


def find_recogniser(name: str = '') -> Path:
    """Return the folder of a recogniser.

    Args:
        name: of one of `list_recognisers`, or the path of a folder; '' = `DEFAULT`.

    Raises:
        ModelError: there is none; the sentence says what there is and what to do.
    """
    name = name or DEFAULT
    path = Path(name).expanduser()
    known = list_recognisers()
    if len(path.parts) == 1 and name in known:
        return known[name]
    if (path / FILE_NAME).is_file():
        return path
    if len(path.parts) > 1 or path.is_dir():
        raise ModelError(f'{path} is not a recogniser: it has no {FILE_NAME}; give a folder that '
                         '`neuropose export` wrote')
    there = ', '.join(known) or 'none'
    raise ModelError(f'there is no recogniser {name!r} (there is: {there}): make one with '
                     '`neuropose export` and `neuropose deploy`, or give its folder')


def list_recognisers() -> dict[str, Path]:
    """Return every recogniser by name; of two with one name the first place wins.

    The places: those in $NEUROPOSE_RECOGNISERS, the user's data folder, ``config/recognisers``.
    """
    found: dict[str, Path] = {}
    for place in _places():
        if place.is_dir():
            for file in sorted(place.glob(f'*/{FILE_NAME}')):
                found.setdefault(file.parent.name, file.parent)
    return found


def deploy_folder() -> Path:
    """Return the first place: where a recogniser is found before all others of its name.

    Raises:
        ModelError: no place is set and the user has no home.
    """
    places = list(_own_places())
    if not places:
        raise ModelError(f'this user has no home folder for recognisers: set {VARIABLE}')
    return places[0]


def _places() -> Iterator[Path]:
    yield from _own_places()
    yield config_folder() / 'recognisers'


def _own_places() -> Iterator[Path]:
    for entry in os.environ.get(VARIABLE, '').split(os.pathsep):
        if entry:
            yield Path(entry).expanduser().absolute()
    base = Path(os.environ.get('XDG_DATA_HOME') or '')
    if base.is_absolute():  # the XDG specification: a relative path is to be ignored
        yield base / 'neuropose' / 'recognisers'
        return
    try:
        yield Path.home() / '.local' / 'share' / 'neuropose' / 'recognisers'
    except RuntimeError:  # no home: the other places are left
        return
