"""Where what was learnt lies: places of one's own, then what comes with the package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.resources import config_folder


@dataclass(frozen=True)
class Places:
    """Folders that hold learnt things of one kind, each in a folder of its own.

    Attributes:
        kind: name of the folder of all of them, as ``recognisers``.
        variable: of the environment: places that are looked at first.
        file_name: what such a thing is known by.
    """

    kind: str
    variable: str
    file_name: str

    def list(self) -> dict[str, Path]:
        """Return all by name; of two with one name the first place wins.

        The places: those in the variable, the user's data folder, ``config/`` of the package.
        """
        found: dict[str, Path] = {}
        for place in (*self.own(), config_folder() / self.kind):
            if place.is_dir():
                for file in sorted(place.glob(f'*/{self.file_name}')):
                    found.setdefault(file.parent.name, file.parent)
        return found

    def own(self) -> Iterator[Path]:
        """Yield the places that do not belong to the package."""
        for entry in os.environ.get(self.variable, '').split(os.pathsep):
            if entry:
                yield Path(entry).expanduser().absolute()
        base = Path(os.environ.get('XDG_DATA_HOME') or '')
        if base.is_absolute():  # the XDG specification: a relative path is to be ignored
            yield base / 'neuropose' / self.kind
            return
        try:
            yield Path.home() / '.local' / 'share' / 'neuropose' / self.kind
        except RuntimeError:  # no home: the other places are left
            return

    def find(self, name: str) -> Path | None:
        """Return the folder of a name, or that a path leads to; None = there is no such thing."""
        path, known = Path(name).expanduser(), self.list()
        if len(path.parts) == 1 and name in known:
            return known[name]
        return path if (path / self.file_name).is_file() else None
