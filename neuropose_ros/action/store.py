"""Where recognisers lie: folders that `neuropose export` wrote, found by name or path."""

from __future__ import annotations

from pathlib import Path

from neuropose_ros.action.description import FILE_NAME
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.places import Places

DEFAULT = 'jhmdb14'
VARIABLE = 'NEUROPOSE_RECOGNISERS'
_PLACES = Places('recognisers', VARIABLE, FILE_NAME)


def find_recogniser(name: str = '') -> Path:
    """Return the folder of a recogniser.

    Args:
        name: of one of `list_recognisers`, or the path of a folder; '' = `DEFAULT`.

    Raises:
        ModelError: there is none; the sentence says what there is and what to do.
    """
    name = name or DEFAULT
    found = _PLACES.find(name)
    if found is not None:
        return found
    path = Path(name).expanduser()
    if len(path.parts) > 1 or path.is_dir():
        raise ModelError(f'{path} is not a recogniser: it has no {FILE_NAME}; give a folder that '
                         '`neuropose export` wrote')
    there = ', '.join(list_recognisers()) or 'none'
    raise ModelError(f'there is no recogniser {name!r} (there is: {there}): make one with '
                     '`neuropose export` and `neuropose deploy`, or give its folder')


def list_recognisers() -> dict[str, Path]:
    """Return every recogniser by name; of two with one name the first place wins.

    The places: those in $NEUROPOSE_RECOGNISERS, the user's data folder, ``config/recognisers``.
    """
    return _PLACES.list()


def deploy_folder() -> Path:
    """Return the first place: where a recogniser is found before all others of its name.

    Raises:
        ModelError: no place is set and the user has no home.
    """
    places = list(_PLACES.own())
    if not places:
        raise ModelError(f'this user has no home folder for recognisers: set {VARIABLE}')
    return places[0]
