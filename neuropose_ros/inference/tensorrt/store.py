"""Engines in the user's cache: built by one process, checked by all, rebuilt once with a reason.

Each engine is a plan and a JSON sidecar, which says what it was built from and for and carries
the plan's sha256. The sidecar is written last: a plan without a fitting one does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import locked, sweep, write_atomically
from neuropose_ros.inference.tensorrt.key import EngineKey, slug

Engine = TypeVar('Engine')


@dataclass(frozen=True)
class Kept:
    """What lies in the cache for a key: a plan, or the reason why there is none."""

    plan: bytes | None
    reason: str = ''


@dataclass(frozen=True)
class Built:
    """A plan that was just made.

    Attributes:
        notes: goes into the sidecar: how long it took, what was kept in float32.
    """

    plan: bytes
    notes: Mapping[str, Any]


class EngineStore:
    """The engines of one cache folder."""

    def __init__(self, cache: Path) -> None:
        """Take the cache; the engines lie in its folder ``engines``."""
        self._folder = cache / 'engines'

    def path(self, key: EngineKey) -> Path:
        """Return where an engine lies, or will lie."""
        return self._folder / key.file_name

    def timing_path(self, key: EngineKey) -> Path:
        """Return where the kernels' timings lie, which make the next build quicker."""
        return self._folder / f'timings-{slug(key.gpu.name)}-{slug(key.tensorrt)}.cache'

    def read(self, key: EngineKey) -> Kept:
        """Return the plan of a key, checked."""
        path = self.path(key)
        sidecar = _sidecar(path.with_suffix('.json'))
        try:
            plan = path.read_bytes()
        except OSError:
            return Kept(None, self._nearest(key))
        if sidecar is None:
            return Kept(None, f'{path.name} has no readable description beside it')
        differences = key.differences(sidecar)
        if differences:
            return Kept(None, f'{path.name} was built for something else: '
                              f'{", ".join(differences)}')
        if hashlib.sha256(plan).hexdigest() != sidecar.get('plan_sha256'):
            return Kept(None, f'{path.name} is damaged: it is not the file that was written')
        return Kept(plan)

    def obtain(
        self, key: EngineKey, *, load: Callable[[bytes], tuple[Engine | None, str]],
        build: Callable[[], Built], announce: Callable[[str], None],
    ) -> Engine:
        """Return the engine of a key; built, once, where none fits.

        Args:
            key: what is wanted.
            load: from a plan to an engine, or None and TensorRT's reason.
            build: makes the plan.
            announce: takes the reason of a build.

        Raises:
            ModelError: it cannot be built, stored, or loaded after having been built.
        """
        kept = self.read(key)
        engine, refusal = (None, '') if kept.plan is None else load(kept.plan)
        if engine is not None:
            return engine
        with locked(self._folder):
            sweep(self._folder)
            again = self.read(key)  # another process may have built while this one waited
            if again.plan is not None and again.plan != kept.plan:
                engine, refusal = load(again.plan)
                if engine is not None:
                    return engine
            reason = f'TensorRT refuses the one in the cache ({refusal})' if refusal \
                else again.reason
            announce(f'building a TensorRT engine for {key.model} on {key.gpu.name}, '
                     f'which takes minutes: {reason}')
            built = build()
            self._write(key, built)
        engine, refusal = load(built.plan)
        if engine is None:
            raise ModelError(
                f'TensorRT {key.tensorrt} refuses the engine it has just built for {key.model}: '
                f'{refusal}')
        return engine

    def _write(self, key: EngineKey, built: Built) -> None:
        path = self.path(key)
        sidecar = {
            **key.as_json(), 'plan_sha256': hashlib.sha256(built.plan).hexdigest(),
            'plan_bytes': len(built.plan), **built.notes,
        }
        write_atomically(path, built.plan)
        write_atomically(
            path.with_suffix('.json'), json.dumps(sidecar, indent=2, sort_keys=True).encode())

    def _nearest(self, key: EngineKey) -> str:
        """Say what differs from the most similar engine there is."""
        found: list[list[str]] = []
        for path in sorted(self._folder.glob(f'{slug(key.model)}-*.json')):
            sidecar = _sidecar(path)
            if sidecar is not None and sidecar.get('model') == key.model:
                found.append(key.differences(sidecar))
        found.sort(key=len)
        return f'those in the cache differ in {", ".join(found[0])}' if found \
            else 'there is none yet'


def _sidecar(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
