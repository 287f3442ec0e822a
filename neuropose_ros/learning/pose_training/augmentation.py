"""A person's crop for training: another place, size, turn and side each time, and other light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats, Image
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.pose_training import photometry
from neuropose_ros.learning.pose_training.scenery import before
from neuropose_ros.pose.geometry import box_around, finite_points, top_down_warps

_LOWER_BODY = ('hip', 'knee', 'ankle', 'foot', 'toe', 'heel', 'pelvis')
_LEAST_HALF_JOINTS = 3
_HALF_GROWTH = 1.5
# Shares of somebody's box between it and what is taken for a background.
_BESIDE = (0.4, 0.8)


@dataclass(frozen=True)
class PictureAugmentation:
    """How much, and how often (shares are probabilities).

    Attributes:
        mirror: share that is mirrored.
        scale: the crop is up to this share smaller or larger.
        turn_deg: largest turn.
        turned: share that is turned.
        shift: the crop lies up to this share of the box beside it.
        half_body: share that shows the upper or the lower body alone.
        colour: contrast, colours and brightness change by up to this share.
        dark: share in low light with its noise.
        blurred: share that is blurred, by motion or out of focus.
        blur_px: most of that blur, px of the network's input.
        noisy: share with noise or as compressed as a poor camera's.
        coarse: share as of people far away.
        occluded: share with occluders.
        occluders: most of them.
        occluder_area: most that one hides, share of the picture.
        grey: share without colours.
        recoloured: share in other hues, some of them as negatives: clothes have any colour.
        stretch: the crop is up to this share wider and flatter, or narrower and higher.
        shear_deg: largest shear.
        background: share that stands before what lies beside somebody else.
    """

    mirror: float = 0.5
    scale: float = 0.3
    turn_deg: float = 40.0
    turned: float = 0.6
    shift: float = 0.1
    half_body: float = 0.15
    colour: float = 0.3
    dark: float = 0.1
    blurred: float = 0.15
    blur_px: float = 9.0
    noisy: float = 0.1
    coarse: float = 0.1
    occluded: float = 0.3
    occluders: int = 3
    occluder_area: float = 0.1
    grey: float = 0.05
    recoloured: float = 0.0
    stretch: float = 0.0
    shear_deg: float = 0.0
    background: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        within(0, 1, mirror=self.mirror, turned=self.turned, half_body=self.half_body,
               colour=self.colour, dark=self.dark, blurred=self.blurred, noisy=self.noisy,
               coarse=self.coarse, occluded=self.occluded, occluder_area=self.occluder_area,
               grey=self.grey, recoloured=self.recoloured, background=self.background)
        within(0, 0.9, scale=self.scale, shift=self.shift, stretch=self.stretch)
        within(0, 60, shear_deg=self.shear_deg)
        within(0, 180, turn_deg=self.turn_deg)
        at_least(0, blur_px=self.blur_px, occluders=self.occluders)


PLAIN = PictureAugmentation(
    mirror=0, scale=0, turned=0, shift=0, half_body=0, colour=0, dark=0, blurred=0, noisy=0,
    coarse=0, occluded=0, grey=0, recoloured=0, stretch=0, shear_deg=0, background=0)
"""As the network is used."""


@dataclass(frozen=True)
class Person:
    """A picture and the person in it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        points: (K, 2) px, NaN where not known.
        weights: (K,) 0..1, how much each is to be believed.
        box: (4,) px.
    """

    image: Image
    points: Floats
    weights: Floats
    box: Floats


@dataclass(frozen=True)
class CropMaker:
    """Cuts the network's input out of pictures.

    Attributes:
        width_px, height_px: of the input.
        padding: share of the box that it shows.
        replicated: beyond the picture lies its nearest pixel; else black.
    """

    layout: SkeletonLayout
    width_px: int
    height_px: int
    padding: float
    augmentation: PictureAugmentation = PLAIN
    replicated: bool = False

    def make(
        self, person: Person, rng: np.random.Generator,
        somebody: Callable[[], Person] | None = None,
    ) -> Person:
        """Return the augmented crop, (height_px, width_px, 3), with its points in px of it.

        Joints outside of the crop have the weight 0.

        Args:
            somebody: gives other people, for what lies beside them.
        """
        crop = self.cut(person, self.warp(person, rng), rng)
        image = crop.image
        if somebody is not None and rng.random() < self.augmentation.background:
            image = before(image, crop.points, self.layout, self._beside(somebody(), rng), rng)
        return replace(crop, image=self.lit(image, rng))

    def _beside(self, person: Person, rng: np.random.Generator) -> Image:
        """Return a picture of what lies beside or around somebody."""
        sides = person.box[2:] - person.box[:2]
        away = rng.uniform(*_BESIDE, 2) * rng.choice((-1, 1), 2) * (rng.random(2) < 0.8)
        warp = top_down_warps(person.box + np.tile(away * sides, 2).astype(np.float32),
                              self.width_px, self.height_px, padding=self.padding)[0]
        warp = about_centre(warp, np.exp(rng.uniform(-1, 0.3)), rng.uniform(-0.5, 0.5),
                            self.width_px, self.height_px)
        return np.asarray(cv2.warpAffine(
            person.image, warp, (self.width_px, self.height_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT),
            np.uint8)

    def cut(
        self, person: Person, warp: NDArray[np.float64], rng: np.random.Generator,
    ) -> Person:
        """Return the crop that a (2, 3) map describes, or its mirror image, in its own light."""
        mirrored = rng.random() < self.augmentation.mirror
        if mirrored:  # px x of the crop -> px width - x of the plain one
            warp = np.stack((-warp[:, 0], warp[:, 1], warp[:, 2] + warp[:, 0] * self.width_px), 1)
        image = np.asarray(cv2.warpAffine(
            person.image, warp, (self.width_px, self.height_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if self.replicated else cv2.BORDER_CONSTANT),
            np.uint8)
        points = points_in_crop(person.points, warp)
        weights = person.weights
        if mirrored:
            order = self._mirror_order()
            points, weights = points[order], weights[order]
        size = np.array([self.width_px, self.height_px], np.float32)
        with np.errstate(invalid='ignore'):
            inside = ((points >= -0.5) & (points <= size - 0.5)).all(-1)
        return Person(image, points, np.where(inside, weights, 0).astype(np.float32),
                      np.array([0, 0, *size], np.float32))

    def warp(self, person: Person, rng: np.random.Generator) -> NDArray[np.float64]:
        settings = self.augmentation
        box = self._half_body(person, rng) if rng.random() < settings.half_body else person.box
        sides = box[2:] - box[:2]
        box = box + np.tile(rng.uniform(-settings.shift, settings.shift, 2) * sides, 2)
        warp = top_down_warps(box, self.width_px, self.height_px, padding=self.padding)[0]
        zoom = np.exp(rng.uniform(-1, 1) * np.log1p(settings.scale))
        angle = np.deg2rad(rng.uniform(-settings.turn_deg, settings.turn_deg)) * (
            rng.random() < settings.turned)
        wider = np.exp(rng.uniform(-1, 1) * np.log1p(settings.stretch))
        lean = np.tan(np.deg2rad(rng.uniform(-1, 1) * settings.shear_deg))
        return about_centre(warp, zoom, angle, self.width_px, self.height_px,
                            np.array([[wider, lean], [0, 1 / wider]]))

    def _half_body(self, person: Person, rng: np.random.Generator) -> Floats:
        lower = np.array([any(word in name for word in _LOWER_BODY)
                          for name in self.layout.names])
        known = finite_points(person.points) & (person.weights > 0)
        halves = [chosen for chosen in (known & lower, known & ~lower)
                  if chosen.sum() >= _LEAST_HALF_JOINTS]
        if not halves:
            return person.box
        box = box_around(person.points[halves[rng.integers(len(halves))]])
        middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _HALF_GROWTH
        grown: Floats = np.concatenate((middle - half, middle + half)).astype(np.float32)
        # Joints in one spot are no half of a body.
        whole = (person.box[2:] - person.box[:2]).max()
        return grown if 2 * half.max() > whole / 4 else person.box

    def _mirror_order(self) -> NDArray[np.intp]:
        order = np.arange(len(self.layout))
        for left, right in self.layout.mirror_pairs:
            order[left], order[right] = right, left
        return order

    def lit(self, image: Image, rng: np.random.Generator) -> Image:
        """Return a crop in other light, partly hidden or as a poor camera has it."""
        settings = self.augmentation
        if rng.random() < settings.occluded:
            for _ in range(rng.integers(1, max(settings.occluders, 1) + 1)):
                share = settings.occluder_area * rng.uniform(0.05, 1)
                image = photometry.occluded(image, share, rng)
        if rng.random() < settings.coarse:
            image = photometry.coarse(image, rng.uniform(0.3, 0.7))
        if rng.random() < settings.blurred:
            length = rng.uniform(1, max(settings.blur_px, 1))
            image = (photometry.motion_blur(image, length, rng.uniform(0, np.pi))
                     if rng.random() < 0.6 else photometry.defocus(image, length / 2.5))
        if settings.colour:
            change = settings.colour
            common = rng.uniform(-change, change)
            gains = 1 + common + rng.uniform(-change, change, 3) / 3
            image = photometry.tinted(
                image, gains.astype(np.float32), 128 * rng.uniform(-change, change))
        if rng.random() < settings.recoloured:
            image = photometry.recoloured(
                image, rng.uniform(0, 360), rng.uniform(0.4, 1.6), np.exp(rng.uniform(-0.5, 0.5)),
                negative=rng.random() < 0.3)
        if rng.random() < settings.grey:
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
        if rng.random() < settings.dark:
            image = photometry.low_light(
                image, float(np.exp(rng.uniform(-4, -0.7))), rng.uniform(0, 8), rng)
        if rng.random() < settings.noisy:
            image = (photometry.noisy(image, rng.uniform(2, 15), rng) if rng.random() < 0.5
                     else photometry.compressed(image, int(rng.integers(10, 50))))
        return image


def points_in_crop(points: Floats, warp: NDArray[np.float64]) -> Floats:
    """Map (..., K, 2) px of the picture to px of the crop, by the crop's (2, 3) map."""
    inverse = np.linalg.inv(warp[:, :2])
    placed: Floats = ((points - warp[:, 2]) @ inverse.T).astype(np.float32)
    return placed


def about_centre(
    warp: NDArray[np.float64], zoom: float, angle: float, width: int, height: int,
    change: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Make a crop show ``zoom`` times as much, turned about its centre.

    Args:
        change: (2, 2) of the crop's own plane, done first.
    """
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if change is not None:
        turn = turn @ change
    centre = np.array([width, height]) / 2
    matrix = warp[:, :2] @ turn
    offset = warp[:, :2] @ (centre - turn @ centre) + warp[:, 2]
    return np.concatenate((matrix, offset[:, np.newaxis]), 1)
