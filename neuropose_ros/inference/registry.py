"""What ``config/models.yaml`` and the user's own list say of each network."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.entry_reading import DECODERS, read_entry

__all__ = ['ModelEntry', 'load_registry', 'user_list']

# What belongs to the file that an entry names, not to one that the user puts in its place.
_OF_THE_FILE = ('source', 'sha256', 'check', 'published', 'megabytes', 'parts')


def user_list() -> Path:
    """Return $NEUROPOSE_MODELS, else the models.yaml of the user's configuration folder.

    The file need not exist, unless NEUROPOSE_MODELS names it.

    Raises:
        ModelError: NEUROPOSE_MODELS names a file in the home of a user that is not there.
    """
    chosen = os.environ.get('NEUROPOSE_MODELS')
    if chosen:
        try:
            return Path(chosen).expanduser().absolute()
        except RuntimeError as error:
            raise ModelError(f'NEUROPOSE_MODELS is {chosen!r}: {error}') from error
    base = os.environ.get('XDG_CONFIG_HOME')
    # The XDG specification: a relative path is to be ignored.
    folder = Path(base) if base and Path(base).is_absolute() else Path('~/.config')
    # A user without a home has no list of their own: ~ is then a folder that is not there.
    with contextlib.suppress(RuntimeError):
        folder = folder.expanduser()
    return folder / 'neuropose' / 'models.yaml'


def load_registry(path: Path | None = None) -> dict[str, ModelEntry]:
    """Read a list, by default the one of the package with the user's own merged over it.

    A key of the user's entry takes the place of the same key of the package's entry; other
    entries are added. A ``path`` in place of a ``source`` drops what was said of that file. Of a
    list that is given the entries alone are returned; their parts may be those of the package.

    Raises:
        ModelError: a list cannot be read, or an entry has a mistake: file, entry, key, and what
            is allowed.
    """
    if path is not None:
        return _entries(_tables(path), {}, path)
    built_in, own = config_folder() / 'models.yaml', user_list()
    registry = _tables(built_in)
    added: dict[str, Any] = {}
    if own.is_file() or os.environ.get('NEUROPOSE_MODELS'):
        added = _tables(own)
    merged = dict(registry)
    for name, values in added.items():
        merged[name] = _merged(registry.get(name, {}), values)
    return _entries(merged, added, built_in, own)


def _tables(path: Path) -> dict[str, Any]:
    import yaml

    try:
        # The loader in C, where there is one: a node's start need not wait for this.
        loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
        content = yaml.load(path.read_text('utf-8'), loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = ' '.join(str(error).split())
        raise ModelError(f'the list of models {path} cannot be read: {said}') from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ModelError(f'the list of models {path} must be a table of names')
    for name in content:
        if not isinstance(name, str):
            raise ModelError(f'{path}: the name {name!r} of an entry must be a text')
    # Names with a dot in front hold what several entries share (YAML anchors).
    return {name: values for name, values in content.items() if not name.startswith('.')}


def _merged(old: Mapping[str, Any], new: Any) -> Any:
    if not isinstance(new, Mapping):
        return new
    dropped = _OF_THE_FILE if 'path' in new else ()
    return {key: value for key, value in old.items() if key not in dropped} | dict(new)


def _entries(
    tables: Mapping[str, Any], own: Mapping[str, Any], path: Path, own_path: Path | None = None,
) -> dict[str, ModelEntry]:
    entries = {}
    for name, values in tables.items():
        origin = own_path if own_path and name in own else path
        entries[name] = read_entry(name, values, origin)
    known = entries
    if own_path is None and any(part not in entries for entry in entries.values()
                                for part in entry.parts):
        built_in = config_folder() / 'models.yaml'
        known = {name: read_entry(name, values, built_in)
                 for name, values in _tables(built_in).items()} | entries
    return {name: _with_parts(entry, known) for name, entry in entries.items()}


def _with_parts(entry: ModelEntry, entries: Mapping[str, ModelEntry]) -> ModelEntry:
    """Give an entry that is made of others the input, joints and size of these."""
    for part, decoder in zip(entry.parts, DECODERS[entry.decoder].parts, strict=True):
        if part not in entries or entries[part].decoder != decoder:
            known = ', '.join(name for name, other in entries.items() if other.decoder == decoder)
            raise ModelError(
                f'{entry.origin}: entry {entry.name}: parts names {part!r}; '
                f'allowed are {known}')
    if not entry.parts:
        return entry
    parts = [entries[part] for part in entry.parts]
    return replace(
        entry, input=parts[-1].input, layout=entry.layout or parts[-1].layout,
        format=parts[-1].format, megabytes=sum(part.megabytes for part in parts))
