"""Files that come with the package but are not Python."""

from __future__ import annotations

from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError


def config_folder() -> Path:
    """Return the folder ``config/``, of the source tree or of the installation that runs.

    Raises:
        NeuroposeError: the installation is incomplete.
    """
    for parent in Path(__file__).absolute().parents:
        for folder in (parent / 'config', parent / 'share' / 'neuropose_ros' / 'config'):
            if (folder / 'models.yaml').is_file():
                return folder
    raise NeuroposeError(
        f'config/models.yaml is not found from {Path(__file__).absolute()}: '
        'the installation is incomplete, install neuropose_ros again'
    )


def message_folder() -> Path | None:
    """Return the folder of the .msg files, of the source tree or of the installation that runs.

    None where a bare Python installation came without them.
    """
    for parent in Path(__file__).absolute().parents:
        for folder in (parent / 'msg', parent / 'share' / 'neuropose_ros' / 'msg'):
            if (folder / 'PersonArray.msg').is_file():
                return folder
    return None
