"""What one worker does with one order, in this process, another one, or on another machine."""

from __future__ import annotations

import ctypes
import shutil
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2

from neuropose_ros.core.errors import DataError, NeuroposeError, SessionError, SourceError
from neuropose_ros.inference.batching import Announce
from neuropose_ros.replay.manifest import FILE_NAME, Manifest, read_manifest
from neuropose_ros.replay.open import open_input
from neuropose_ros.replay.run import Order, Progress, replay, request_of
from neuropose_ros.replay.settings import Settings
from neuropose_ros.replay.stages import Stages, load_stages

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Task:
    """What all orders share.

    Attributes:
        out: folder of the results, the same for all workers.
        overwrite: results of another input or other parameters are replaced, else refused.
        overlap: each worker reads ahead and finishes behind, in threads of their own.
    """

    settings: Settings
    out: Path
    overwrite: bool = False
    overlap: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of an order.

    Attributes:
        manifest: None = it failed.
        done_before: the results were there already.
        error: why it failed, in one sentence; '' = it did not.
        hopeless: the recording itself is at fault: it would fail again.
        broken: whoever worked on it died.
    """

    order: Order
    manifest: Manifest | None = None
    done_before: bool = False
    error: str = ''
    hopeless: bool = False
    broken: bool = False


class Worker:
    """Keeps the networks for one order after the other."""

    def __init__(self, task: Task, announce: Announce) -> None:
        """Load nothing yet."""
        self._task, self._announce = task, announce
        self._stages: dict[bool, Stages] = {}

    def run(self, order: Order, progress: Progress | None = None) -> tuple[Manifest, bool]:
        """Replay a recording, unless its results are there; return them and whether they were.

        Raises:
            NeuroposeError: it cannot be replayed, or other results are in its place.
        """
        source = open_input(order.spec, order.choice)
        try:
            stages = self._stages_for(source.has_pictures)
            request = request_of(order, source, stages)
            folder = self._task.out / order.name
            found = read_manifest(folder)
            if found is not None and found.request == request:
                return found, True
            if folder.exists():
                self._make_room(folder, found)
            made = replay(
                order, source, request, stages, self._task.out, overlap=self._task.overlap,
                progress=progress)
            return made, False
        finally:
            source.close()

    def _stages_for(self, pictures: bool) -> Stages:
        if pictures not in self._stages:
            self._stages[pictures] = load_stages(
                self._task.settings, pictures=pictures, announce=self._announce)
        return self._stages[pictures]

    def _make_room(self, folder: Path, found: Manifest | None) -> None:
        if not self._task.overwrite:
            what = ('results of another recording, other parameters or other software'
                    if found is not None else 'something that no replay has made')
            raise NeuroposeError(
                f'{folder} holds {what}: choose another folder, or say --overwrite')
        if found is None:
            raise NeuroposeError(f'{folder} was not made by a replay (it has no {FILE_NAME}) and '
                                 'is not overwritten: choose another folder')
        shutil.rmtree(folder)

    def close(self) -> None:
        """Give the networks back."""
        for stages in self._stages.values():
            stages.close()
        self._stages.clear()


_own = threading.local()


def _nothing(_: str) -> None:
    """Every worker would say the same, and what runs with what is in the manifest."""


def run_order(
    task: Task, order: Order, progress: Progress | None = None, announce: Announce = _nothing,
) -> Outcome:
    """Replay a recording with this thread's worker; whatever is wrong is in the outcome."""
    if getattr(_own, 'task', None) != task:
        release()
        _own.worker, _own.task = Worker(task, announce), task
    try:
        manifest, done_before = _own.worker.run(order, progress)
    except NeuroposeError as error:
        hopeless = isinstance(error, DataError | SourceError | SessionError)
        return Outcome(order, error=str(error), hopeless=hopeless)
    except Exception as error:  # noqa: BLE001 - one recording must not end all others
        return Outcome(order, error=f'{order.spec}: {type(error).__name__}: {error}')
    return Outcome(order, manifest, done_before)


def release() -> None:
    """Give back the networks of this thread's worker."""
    if getattr(_own, 'task', None) is not None:
        _own.worker.close()
        _own.task = None


def begin_process() -> None:
    """Prepare a process that only works: it leaves Ctrl-C to the parent and dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    cv2.setNumThreads(1)
