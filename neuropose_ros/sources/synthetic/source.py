"""The synthetic subject as a source of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.sources.base import Picture
from neuropose_ros.sources.calibration import Calibration
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
        """Set up the scenes; all have one size, rate, duration and number of people.

        Raises:
            SourceError: a background cannot be read.
        """
        self._scenes = tuple(scenes)
        self._name = name
        self._rate_hz = scenes[0].rate
        self._ends = self._share_out(scenes[0].seconds)
        # All at once: setting a scene up takes several frames' time, which would be missing when
        # it is due.
        self._stages = [Stage(scene) for scene in scenes]
        self._index = 0
        self._passes = 0

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
    def has_depth(self) -> bool:
        """Whether the scenes were asked for with their depth."""
        return self._scenes[0].depth

    @property
    def scene(self) -> Scene:
        """The scene of the next picture."""
        return self._scenes[self._place()[0]]

    @property
    def calibration(self) -> Calibration:
        """The camera as camera_info says it: without distortion."""
        camera = self.camera
        k = camera.matrix
        return Calibration(
            camera.width, camera.height, k, np.zeros(5), np.eye(3),
            np.hstack((k, np.zeros((3, 1)))), 'plumb_bob', 'synthetic')

    @property
    def camera(self) -> Camera:
        """The camera, the same in all scenes."""
        return self._stages[0].camera

    def _place(self) -> tuple[int, int]:
        """Return which scene the next picture is of, and its number within the scene."""
        if not self._ends:
            return 0, self._index
        within = self._index % self._ends[-1]
        scene = next(i for i, end in enumerate(self._ends) if within < end)
        return scene, within - (self._ends[scene - 1] if scene else 0)

    def read(self) -> Picture | None:
        """Return the next picture; None when the ``seconds`` asked for are over."""
        if self._scenes[0].seconds and self._index >= self._ends[-1]:
            return None
        number, within = self._place()
        stage, time_s = self._stages[number], within / self._rate_hz
        passes = stage.passes(time_s)
        restart = within == 0 or passes != self._passes
        self._passes = passes
        image, truth = stage.picture(time_s, within)
        picture = Picture(
            image=image, time_ns=round(self._index * NS_PER_S / self._rate_hz),
            source=f'synthetic:{stage.scene.name}', truth=truth, restart=restart,
            depth=stage.depth())
        self._index += 1
        return picture

    def rewind(self) -> None:
        """Go back to the start of the first scene."""
        self._index = 0
        self._passes = 0

    def close(self) -> None:
        """Nothing is held that must be given back."""


def open_synthetic(spec: str) -> SyntheticSource:
    """Open ``synthetic``, ``synthetic:SCENE`` or ``synthetic:SCENE?option=value&...``.

    Raises:
        SourceError: no such scene or option, a value out of range, or no such background.
    """
    return SyntheticSource(parse(spec), spec.strip())


