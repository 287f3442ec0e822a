"""Which file each network was when it first came: ``models.lock.yaml`` of the user's cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import write_atomically
from neuropose_ros.inference.entry import ModelEntry

_HEADER = (
    '# Written by neuropose: the networks in this cache as they first came. A file that is not\n'
    '# the one below is refused. Remove an entry to accept what its authors publish now.\n'
)


@dataclass(frozen=True)
class Pin:
    """One network in the cache.

    Attributes:
        key: `ModelEntry.key`; another key is another file or place, and the pin does not hold.
        sha256: of the published file.
        source: where it came from.
        date: when, as 2026-01-31.
        run_sha256: of the file that is run, where that is a converted one.
        run_file: its name.
    """

    key: str
    sha256: str
    source: str
    date: str
    run_sha256: str = ''
    run_file: str = ''


class Pins:
    """The lock file; whoever writes holds the cache's lock."""

    def __init__(self, cache: Path) -> None:
        """Read it; there may be none yet.

        Raises:
            ModelError: it cannot be read.
        """
        self.path = cache / 'models.lock.yaml'
        self._pins = _read(self.path) if self.path.is_file() else {}

    def of(self, entry: ModelEntry) -> Pin | None:
        """Return the pin of an entry, unless the entry has changed since."""
        pin = self._pins.get(entry.name)
        return pin if pin is not None and pin.key == entry.key else None

    def sha256(self, entry: ModelEntry) -> str:
        """Return the sha256 that the published file must have; '' = none is known."""
        pin = self.of(entry)
        return entry.sha256 or (pin.sha256 if pin else '')

    def keep(self, entry: ModelEntry, pin: Pin) -> None:
        """Write a pin down.

        Raises:
            ModelError: the file cannot be written.
        """
        import yaml

        self._pins[entry.name] = pin
        tables = {name: asdict(item) for name, item in sorted(self._pins.items())}
        text = _HEADER + yaml.safe_dump(tables, sort_keys=False)
        write_atomically(self.path, text.encode('utf-8'))


def _read(path: Path) -> dict[str, Pin]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text('utf-8')) or {}
        return {str(name): _pin(values) for name, values in content.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, AttributeError) as error:
        said = ' '.join(str(error).split())
        raise ModelError(
            f'{path} cannot be read ({said}): put it right, or remove it and every network that '
            'has no published sha256 is pinned anew'
        ) from error


def _pin(values: Mapping[str, Any]) -> Pin:
    return Pin(**{key: str(value) for key, value in values.items()})
