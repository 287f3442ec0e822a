"""Putting a pose model where the nodes find it: into the user's own list of models."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.entry import ENTRY_FILE
from neuropose_ros.inference.entry_reading import read_entry
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry, user_list
from neuropose_ros.learning.deploy import DeploySettings, put
from neuropose_ros.pose.create import create_region_estimator
from neuropose_ros.pose.estimator import Region

_BEGIN, _END = '# --- neuropose deploy: {} ---', '# --- end of {} ---'


def is_pose_model(folder: Path) -> bool:
    """Whether a folder is what `export_pose` wrote."""
    return (folder / ENTRY_FILE).is_file()


def deploy_pose(source: Path, settings: DeploySettings | None = None) -> tuple[str, ...]:
    """Copy a model's folder beside the user's list and enter it there.

    Returns:
        The names by which it can be asked for, float32 first.

    Raises:
        ModelError: it is damaged or does not run, another one of that name is there, or the
            list cannot be read or written.
    """
    settings = settings or DeploySettings()
    entries = _named(_read(source / ENTRY_FILE), settings.name)
    name = next(iter(entries))
    listed = user_list()
    text = listed.read_text('utf-8') if listed.is_file() else ''
    kept, ours = _without(text, name)
    taken = [item for item in entries if item in _names(kept, listed) or (
        not ours and item in load_registry())]
    if taken:
        raise ModelError(f'{listed}: there is a model {taken[0]} already: give another name by '
                         '--set name=NAME')
    if ours and not settings.replace:
        raise ModelError(f'{listed}: {name} is deployed already: replace it by --set '
                         'replace=true, or give another name by --set name=NAME')
    for item in entries:
        _try_out(item, entries, source)
    place = (Path(settings.to).expanduser().absolute() if settings.to
             else listed.parent / 'models') / name
    if not (place.exists() and place.samefile(source)):
        put(source, place, replace=ours)
    for table in entries.values():
        if 'path' in table:
            table['path'] = str(_relative(place / table['path'], listed.parent))
    _enter(listed, kept, name, entries)
    whole = [item for table in entries.values() for item in table.get('parts', ())]
    return tuple(item for item in entries if item not in whole)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text('utf-8'))
        return {str(name): dict(table) for name, table in content.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError,
            ValueError) as error:
        raise ModelError(f'{path}: damaged ({" ".join(str(error).split())}): export the model '
                         'again') from error


def _named(entries: dict[str, dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    own = next(iter(entries), '')
    if not own:
        raise ModelError('the exported model has no entry: export it again')
    renamed = {item: (name or own) + item.removeprefix(own) for item in entries}
    for table in entries.values():
        if 'parts' in table:
            table['parts'] = [renamed.get(part, part) for part in table['parts']]
    return {renamed[item]: table for item, table in entries.items()}


def _try_out(name: str, entries: Mapping[str, Any], source: Path) -> None:
    """Look at a picture: what does not run here is not put where a node starts it."""
    known = {item: read_entry(item, table, source / ENTRY_FILE)
             for item, table in entries.items()}
    if known[name].kind != 'pose':  # a part, which the whole is tried out with
        return
    estimator = create_region_estimator(
        name, runtime='cpu', threads=1, registry=known, announce=lambda _: None)
    try:
        grey = Picture(np.full((240, 320, 3), 114, np.uint8))
        estimator.estimate(grey, [Region(np.array([80, 20, 240, 220], np.float32))])
    finally:
        estimator.close()


def _without(text: str, name: str) -> tuple[str, bool]:
    """Return a list without the part that a deployment wrote, and whether there was one."""
    before, begin, rest = text.partition(_BEGIN.format(name) + '\n')
    _, end, after = rest.partition(_END.format(name) + '\n')
    return (before + after, True) if begin and end else (text, False)


def _names(text: str, path: Path) -> tuple[str, ...]:
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ModelError(f'the list of models {path} cannot be read: '
                         f'{" ".join(str(error).split())}') from error
    return tuple(content) if isinstance(content, Mapping) else ()


def _relative(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _enter(listed: Path, kept: str, name: str, entries: Mapping[str, Any]) -> None:
    """Write the list anew, whole or not at all; what the user wrote stays as it is."""
    part = '\n'.join((_BEGIN.format(name), yaml.safe_dump(
        dict(entries), sort_keys=False, allow_unicode=True) + _END.format(name), ''))
    if kept and not kept.endswith('\n'):
        kept += '\n'
    try:
        listed.parent.mkdir(parents=True, exist_ok=True)
        target = listed.resolve()  # a link stays one: the list may lie in another folder
        with tempfile.TemporaryDirectory(dir=target.parent, prefix='.deploy-') as place:
            written = Path(place) / 'models.yaml'
            written.write_text(kept + part, 'utf-8')
            if listed.exists():
                written.chmod(listed.stat().st_mode)
            written.replace(target)
    except OSError as error:
        raise ModelError(f'{listed}: cannot be written ({error.strerror or error}); the model '
                         f'itself is in place: give permission there') from error
