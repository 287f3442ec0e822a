"""The synthetic subject as a source of pictures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.sources.base import Picture
from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.scenes import Scene, parse
from neuropose_ros.sources.synthetic.stage import Stage

_DEMO_SCENE_S = 4.0


class SyntheticSource:
    """Plays scenes one after the other; equal scenes give equal pictures and truths.

    Each picture is drawn when it is read. Several scenes share the ``seconds`` of the first;
    without end they last 4 s each and are repeated.
    """

    live = False

    def __init__(self, scenes: Sequence[Scene], name: str = 'synthetic') -> None:
        """Set up the first scene; all scenes have one size, rate and duration.

        Raises:
            SourceError: its background cannot be read.
        """
        self._scenes = tuple(scenes)
        self._name = name
        self._rate_hz = scenes[0].rate
        self._ends = self._share_out(scenes[0].seconds)
        self._index = 0
        self._passes = 0
        self._stage = Stage(scenes[0])
        self._stage_at = 0
        # Setting a scene up takes several frames' time: the next one is made ready meanwhile.
        self._workshop = ThreadPoolExecutor(1, 'next-scene') if len(scenes) > 1 else None
        self._next: Future[Stage] | None = None
        self._next_at = 0
        self._lock = threading.Lock()

    def _share_out(self, seconds: float) -> list[int]:
        """Return the number of the first frame after each scene; empty = without end."""
        count = len(self._scenes)
        if not seconds:
            if count == 1:
                return []
            seconds = _DEMO_SCENE_S * count
        frames = max(1, round(seconds * self._rate_hz))
        return [round((i + 1) * frames / count) for i in range(count)]

    @property
    def name(self) -> str:
        """The words that asked for it."""
        return self._name

    @property
    def rate_hz(self) -> float:
        """Pictures per second."""
        return self._rate_hz

    @property
    def scene(self) -> Scene:
        """The scene of the next picture."""
        return self._scenes[self._place()[0]]

    @property
    def camera(self) -> Camera:
        """The camera of the scene that was read last."""
        return self._stage.camera

    def _place(self) -> tuple[int, int]:
        """Return which scene the next picture is of, and its number within the scene."""
        if not self._ends:
            return 0, self._index
        within = self._index % self._ends[-1]
        scene = next(i for i, end in enumerate(self._ends) if within < end)
        return scene, within - (self._ends[scene - 1] if scene else 0)

    def _enter(self, number: int) -> None:
        """Have the stage of a scene, and the next scene's being set up."""
        if self._stage_at != number:
            ready = self._next if self._next_at == number else None
            self._stage = ready.result() if ready is not None else Stage(self._scenes[number])
            self._stage_at, self._next = number, None
        with self._lock:
            if self._workshop is not None and self._next is None:
                self._next_at = (number + 1) % len(self._scenes)
                self._next = self._workshop.submit(Stage, self._scenes[self._next_at])

    def read(self) -> Picture | None:
        """Return the next picture; None when the ``seconds`` asked for are over."""
        if self._scenes[0].seconds and self._index >= self._ends[-1]:
            return None
        number, within = self._place()
        self._enter(number)
        stage, time_s = self._stage, within / self._rate_hz
        passes = stage.passes(time_s)
        restart = within == 0 or passes != self._passes
        self._passes = passes
        image, truth = stage.picture(time_s, within)
        picture = Picture(
            image=image, time_ns=round(self._index * NS_PER_S / self._rate_hz),
            source=f'synthetic:{stage.scene.name}', truth=truth, restart=restart)
        self._index += 1
        return picture

    def rewind(self) -> None:
        """Go back to the start of the first scene."""
        self._index = 0
        self._passes = 0

    def close(self) -> None:
        """Stop setting up scenes."""
        with self._lock:
            if self._workshop is not None:
                self._workshop.shutdown(wait=False, cancel_futures=True)
                self._workshop = None


def open_synthetic(spec: str) -> SyntheticSource:
    """Open ``synthetic``, ``synthetic:SCENE`` or ``synthetic:SCENE?option=value&...``.

    Raises:
        SourceError: no such scene or option, a value out of range, or no such background.
    """
    return SyntheticSource(parse(spec), spec.strip())


