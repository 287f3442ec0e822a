"""A scene set up: who stands where, and how one instant of it looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.sources.synthetic import motion
from neuropose_ros.sources.synthetic.anatomy import BONE
from neuropose_ros.sources.synthetic.backdrop import backdrop, backdrop_depth
from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.looks import LOOKS, Look
from neuropose_ros.sources.synthetic.paths import Path, Place, Straight, crossing_loops
from neuropose_ros.sources.synthetic.person import dressed
from neuropose_ros.sources.synthetic.props import (
    DECK_HEIGHT,
    SHADOW_BONES,
    Screen,
    Shadows,
    Treadmill,
    stool,
)
from neuropose_ros.sources.synthetic.render import Light, Renderer
from neuropose_ros.sources.synthetic.rig import RigPose, solve, turn_z
from neuropose_ros.sources.synthetic.scenes import Scene
from neuropose_ros.sources.synthetic.surfaces import Posed, Skin
from neuropose_ros.sources.synthetic.truth import true_frame, true_person

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_HEADINGS = {'front': 0.0, 'oblique': np.radians(38.0), 'side': np.radians(90.0)}
_CAMERA_Z, _TARGET_Z = 1.15, 0.93
# Focal length over image height: a vertical field of view of 46.8 degrees.
_FOCAL = 1.155
_DISTANCE, _SPACING = 2.85, 1.15
# A walker who crosses the view starts and ends this far (m) outside or inside of it.
_BEYOND, _WITHIN = 0.8, -0.6
# Those who cross in the same clothes: x of their nearest lane (m), steps/min, m.
_NEAREST_LANE = 0.35
_CROSSING_CADENCES, _CROSSING_STRIDES_M = (96.0, 120.0), (1.15, 1.40)
_SCREEN_SPEED, _SCREEN_SHARE = 0.55, 0.62


@dataclass(frozen=True, slots=True)
class _Actor:
    """One person of a scene."""

    look: Look
    skin: Skin
    movement: motion.Movement
    position: Array
    heading: float
    path: Path | None = None

    def pose(self, time_s: float) -> RigPose:
        """Return the bones at a time, in the world."""
        place = self.path.at(time_s) if self.path else Place(self.position, self.heading)
        pose = solve(self.movement(time_s), self.look.height_m)
        return pose.placed(place.position, place.heading)


class Stage:
    """A scene set up; drawing an instant depends on the time alone."""

    def __init__(self, scene: Scene) -> None:
        """Set up a scene.

        Raises:
            SourceError: its background cannot be read.
        """
        self.scene = scene
        # Crossing walkers have lanes behind one another, others stand side by side.
        room = 0.30 if scene.movement in ('people', 'crossing') else 0.85
        distance = scene.distance_m or _DISTANCE + room * (scene.people - 1)
        self.camera = Camera(
            scene.width, scene.height, _FOCAL * min(scene.height, scene.width * 0.75),
            (distance, 0.0, _CAMERA_Z), (0.0, 0.0, _TARGET_Z))
        self._distance = distance
        azimuth, elevation = np.radians(scene.azimuth), np.radians(scene.elevation)
        toward = np.array([np.cos(elevation) * np.cos(azimuth),
                           np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
        self._light = Light(tuple(toward), scene.brightness)
        self._renderer = Renderer(self.camera)
        self._shadows = Shadows(self.camera, toward, 0.0)
        self._actors = self._cast()
        treadmill = scene.movement == 'walk' and not scene.travel
        self._treadmills = [
            Treadmill(self.camera, actor.position, actor.heading, scene.brightness,
                      scene.seed + index)
            for index, actor in enumerate(self._actors)] if treadmill else []
        image = backdrop(self.camera, scene.background, -DECK_HEIGHT if treadmill else 0.0,
                         scene.brightness, scene.seed)
        for machine in self._treadmills:
            machine.draw_deck(image)
        self._background = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        self._still_depth = backdrop_depth(
            self.camera, scene.background, -DECK_HEIGHT if treadmill else 0.0,
        ) if scene.depth else None
        self._canvas = np.empty_like(self._background)
        self._furniture = self._stools()
        self._screen = self._occluder() if scene.occluder else None
        self._grain = _Grain(scene) if scene.noise else None

    def _cast(self) -> list[_Actor]:
        scene = self.scene
        if scene.movement == 'crossing':
            return self._crossing()
        heading = _HEADINGS[scene.view]
        actors = []
        for index in range(scene.people):
            look = LOOKS[(scene.seed + index) % len(LOOKS)]
            phase = (0.37 * index + 0.61 * scene.seed) % 1.0
            aside = (index - (scene.people - 1) / 2) * _SPACING
            actor = _Actor(look, dressed(look, scene.seed + index), self._movement(look, phase),
                           np.array([0.0, aside, 0.0]), heading)
            actors.append(self._walking(actor, index) if scene.travel else actor)
        return actors

    def _walking(self, actor: _Actor, index: int) -> _Actor:
        """Return the actor on a path through the view."""
        scene = self.scene
        assert scene.stride_m is not None and scene.cadence_steps_per_min is not None
        speed = scene.stride_m * scene.cadence_steps_per_min / 120
        heading, position = actor.heading, actor.position
        if scene.movement == 'people':
            # Lanes behind one another, walked in turns to the right and to the left.
            heading = heading if index % 2 == 0 else heading + np.pi
            position = np.array([0.4 - 0.75 * index, 0.0, 0.0])
        depth = self._distance - float(position[0])
        half = depth * self.camera.width / 2 / self.camera.focal_px
        outside = _BEYOND if scene.movement == 'people' else _WITHIN
        across, along = abs(np.sin(heading)), abs(np.cos(heading))
        # Towards the camera there is room for so much until the feet leave the view.
        path = min(2 * (half + outside) / max(across, 1e-6), 3.0 / max(along, 1e-6))
        if along > across:
            position = position - np.array([0.9, 0.0, 0.0])
        # Where everybody starts, those who walk against each other meet in the view.
        start = path * (0.20 + 0.08 * index) if scene.movement == 'people' else 0.0
        return replace(actor, path=Straight(position, heading, path, speed, start))

    def _crossing(self) -> list[_Actor]:
        """Return people in the same clothes, each at a pace of its own."""
        scene = self.scene
        look = LOOKS[scene.seed % len(LOOKS)]
        skin = dressed(look, scene.seed)
        random = np.random.default_rng((scene.seed, scene.people))
        cadences = random.uniform(*_CROSSING_CADENCES, scene.people)
        strides = random.uniform(*_CROSSING_STRIDES_M, scene.people)
        movements = [
            motion.walk(cadence, stride, look.height_m, random.uniform())
            for cadence, stride in zip(cadences, strides, strict=True)]
        focal = self.camera.focal_px
        loops = crossing_loops(
            scene.people, scene.seed, _NEAREST_LANE, strides * cadences / 120,
            lambda x: (self._distance - x) * self.camera.width / 2 / focal)
        return [_Actor(look, skin, movement, np.zeros(3), 0.0, loop)
                for movement, loop in zip(movements, loops, strict=True)]

    def _movement(self, look: Look, phase: float) -> motion.Movement:
        scene = self.scene
        if scene.movement == 'wave':
            return motion.wave(look.height_m, scene.wave_hz or 0.0, phase)
        if scene.movement == 'sit_to_stand':
            return motion.sit_to_stand(look.height_m, scene.cycle_s or 1.0, phase)
        if scene.movement == 'tremor':
            return motion.tremor(look.height_m, scene.tremor_hz or 0.0,
                                 scene.tremor_amplitude_m or 0.0, scene.tremor_kind or '', phase)
        return motion.walk(scene.cadence_steps_per_min or 0.0, scene.stride_m or 0.0,
                           look.height_m, phase)

    def _stools(self) -> list[Posed]:
        scene = self.scene
        if scene.movement != 'sit_to_stand' and scene.tremor_kind != 'rest':
            return []
        stools = []
        for actor in self._actors:
            height = actor.look.height_m
            behind = turn_z(actor.heading) @ np.array([motion.SEAT_X * height - 0.01, 0, 0])
            affine = np.concatenate((turn_z(actor.heading),
                                     (actor.position + behind)[:, None]), 1)[None]
            stools.append(stool(motion.seat_height(height)).posed(self._to_camera(affine), 1.0))
        return stools

    def _occluder(self) -> Screen:
        depth = self._distance * _SCREEN_SHARE
        at = self.camera.position[0] - depth
        floor = np.array([at, 0.0, -DECK_HEIGHT if self._treadmills else 0.0])
        row = self.camera.project(self.camera.to_optical(floor))[1]
        return Screen(self.camera, depth, float(row), self.scene.brightness, self.scene.seed)

    def _to_camera(self, affine: Array) -> Array:
        """Return world transformations (B, 3, 4) as such into the optical frame."""
        rotation = self.camera.rotation
        out = rotation @ affine
        out[:, :, 3] -= rotation @ np.asarray(self.camera.position)
        return out

    def passes(self, time_s: float) -> int:
        """Return how often a lone walker through the room has started anew."""
        path = self._actors[0].path
        if self.scene.movement == 'walk' and isinstance(path, Straight):
            return path.passes(time_s)
        return 0

    def picture(self, time_s: float, index: int) -> tuple[Image, PoseFrame]:
        """Return the image (H, W, 3) uint8 BGR and the truth of an instant.

        Args:
            time_s: since the scene's start.
            index: number of the frame; the sensor noise depends on it.
        """
        scene, camera = self.scene, self.camera
        poses = [actor.pose(time_s) for actor in self._actors]
        canvas = self._canvas
        np.copyto(canvas, self._background)
        speed = (scene.stride_m or 0.0) * (scene.cadence_steps_per_min or 0.0) / 120
        for machine in self._treadmills:
            machine.draw_belt(canvas, speed * time_s)
        for pose in poses:
            at, height = pose.positions, pose.height_m
            self._shadows.draw(canvas, [(at[BONE[a]], at[BONE[b]], radius * height)
                                        for a, b, radius in SHADOW_BONES])
        surfaces = [actor.skin.posed(self._to_camera(pose.affine()), pose.height_m)
                    for actor, pose in zip(self._actors, poses, strict=True)]
        self._renderer.draw(canvas, [*surfaces, *self._furniture], self._light)
        depth = self._renderer.inverse_depth
        if self._screen is not None:
            span = camera.width / camera.focal_px * self._distance * _SCREEN_SHARE + 0.6
            self._screen.draw(canvas, depth, (_SCREEN_SPEED * time_s) % span - span / 2)
        image = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
        if self._grain is not None:
            self._grain.add(image, index)
        people = (true_person(camera, camera.to_optical(pose.joints()), pose.height_m, depth, i)
                  for i, pose in enumerate(poses))
        return image, true_frame(camera, [person for person in people if person is not None])


    def depth(self) -> NDArray[np.float32] | None:
        """Return the depth (H, W) of the last picture, m, 0 = unknown; None if not asked for."""
        if self._still_depth is None:
            return None
        shown = self._renderer.inverse_depth
        with np.errstate(divide='ignore'):
            return np.where(shown > 0, 1 / shown, self._still_depth)


_PLATE_MARGIN = 61


@lru_cache(maxsize=2)
def _noise_plates(height: int, width: int, deviation: float, seed: int) -> tuple[Image, Image]:
    """Return what sensor noise adds and takes away, larger than the image by a margin."""
    shape = height + _PLATE_MARGIN, width + _PLATE_MARGIN, 3
    plate = np.random.default_rng(seed).standard_normal(shape, np.float32)
    rounded = np.rint(plate * np.float32(deviation)).astype(np.int16)
    return np.maximum(rounded, 0).astype(np.uint8), np.maximum(-rounded, 0).astype(np.uint8)


class _Grain:
    """Sensor noise: one plate, laid over each frame at another place."""

    def __init__(self, scene: Scene) -> None:
        self._seed = scene.seed
        self._more, self._less = _noise_plates(
            scene.height, scene.width, scene.noise, scene.seed)

    def add(self, image: Image, index: int) -> None:
        """Add the noise of frame ``index`` in place."""
        # Multiplication by these scatters consecutive numbers over the plate.
        mixed = ((index + 1) * 2654435761 + self._seed * 40503) >> 7
        y, x = mixed % _PLATE_MARGIN, mixed // _PLATE_MARGIN % _PLATE_MARGIN
        part = np.s_[y:y + image.shape[0], x:x + image.shape[1]]
        cv2.add(image, self._more[part], dst=image)
        cv2.subtract(image, self._less[part], dst=image)
