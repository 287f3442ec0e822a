"""Triangle meshes that bones move, and the tube from which most of the body is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.anatomy import BONE, BONES

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the texture, in texels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mesh:
    """A surface in the rest pose.

    Attributes:
        points: (V, 3), share of height.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        texels: (V, 2) texture position.
        weights: (V, B) share of each bone, rows sum to 1.
        normals: (V, 3) unit, outward.
        openness: (V,) share of the surroundings from which light comes, 0..1.
    """

    points: Array
    faces: Ints
    texels: Array
    weights: Array
    normals: Array
    openness: Array


@dataclass(frozen=True, slots=True)
class Ring:
    """One cross-section of a tube.

    Attributes:
        center: (3,) share of height.
        front: half axis along ``x_axis`` of the tube.
        side: half axis along ``y_axis``.
        weights: share of the bones.
        back: half axis against ``x_axis``; None = as front.
        openness: see ``Mesh``.
        power: exponent of the super-ellipse: 2 = ellipse, more = boxier.
    """

    center: tuple[float, float, float]
    front: float
    side: float
    weights: Weights
    back: float | None = None
    openness: float = 1.0
    power: float = 2.0


def blend(first: str, second: str, share: float, helper: str = '') -> dict[str, float]:
    """Return weights that pass from one bone to another as share goes 0..1, over a helper."""
    share = float(np.clip(share, 0, 1))
    if not helper:
        smooth = share * share * (3 - 2 * share)
        return {first: 1 - smooth, second: smooth}
    if share < 0.5:
        return {first: 1 - 2 * share, helper: 2 * share}
    return {helper: 2 - 2 * share, second: 2 * share - 1}


def weight_rows(weights: Sequence[Weights]) -> Array:
    """Return (N, B) weights."""
    rows = np.zeros((len(weights), len(BONES)))
    for row, parts in zip(rows, weights, strict=True):
        for bone, share in parts.items():
            row[BONE[bone]] += share
    return rows


def grid_faces(rings: int, columns: int) -> Ints:
    """Return the triangles of a (rings, columns) grid of vertices, row-major."""
    r, c = np.meshgrid(np.arange(rings - 1), np.arange(columns - 1), indexing='ij')
    a = (r * columns + c).ravel()
    b, d = a + 1, a + columns
    e = d + 1
    return np.concatenate((np.stack((a, b, d), 1), np.stack((b, e, d), 1))).astype(np.int32)


def surface(points: Array, texels: Array, weights: Array, openness: Array) -> Mesh:
    """Return the closed surface over a grid of points (R, C, 3) whose columns run round it.

    The first and last column coincide in space and differ in the texture.

    Args:
        points: (R, C, 3).
        texels: (R, C, 2).
        weights: (R, C, B).
        openness: (R, C).
    """
    rings, columns, _ = points.shape
    flat, faces = points.reshape(-1, 3), grid_faces(rings, columns)
    corners = flat[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = flat.mean(0)
    if float(np.einsum('fi,fi->', across, corners.mean(1) - middle)) < 0:
        faces, across = np.ascontiguousarray(faces[:, ::-1]), -across
    normals = np.zeros_like(flat)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    grid = normals.reshape(rings, columns, 3)
    grid[:, 0] = grid[:, -1] = grid[:, 0] + grid[:, -1]
    for end in (0, -1):
        if np.ptp(points[end], axis=0).max() < 1e-9:
            grid[end] = grid[end].sum(0)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Mesh(flat, faces, texels.reshape(-1, 2), weights.reshape(len(flat), -1),
                normals, openness.ravel())


def tube(
    rings: Sequence[Ring], columns: int, region: Region, *,
    x_axis: tuple[float, float, float] = (1, 0, 0), y_axis: tuple[float, float, float] = (0, 1, 0),
    cap_start: bool = True, cap_end: bool = True,
) -> Mesh:
    """Return a closed tube through the rings.

    The texture runs once round from behind (column 0, against ``x_axis``) and from the first
    ring (top of the region) to the last, evenly in length.
    """
    angle = np.linspace(-np.pi, np.pi, columns + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    ex, ey = np.asarray(x_axis, float), np.asarray(y_axis, float)
    rows = []
    for ring in rings:
        back = ring.front if ring.back is None else ring.back
        bend = 2 / ring.power
        x = np.sign(cos) * np.abs(cos) ** bend * np.where(cos > 0, ring.front, back)
        y = np.sign(sin) * np.abs(sin) ** bend * ring.side
        rows.append(np.asarray(ring.center) + x[:, None] * ex + y[:, None] * ey)
    points = np.stack(rows)
    centers = np.asarray([ring.center for ring in rings])
    steps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    along = np.concatenate(([0], np.cumsum(steps))) / steps.sum()
    weights = weight_rows([ring.weights for ring in rings])
    openness = np.asarray([ring.openness for ring in rings])
    if cap_start:
        points, along, weights, openness = _capped(points, along, weights, openness, 0)
    if cap_end:
        points, along, weights, openness = _capped(points, along, weights, openness, -1)
    u = region.x + 0.5 + np.arange(columns + 1) / columns * (region.width - 1)
    v = region.y + 0.5 + along * (region.height - 1)
    texels = np.stack(np.broadcast_arrays(u[None, :], v[:, None]), -1)
    shape = points.shape[:2]
    return surface(points, texels, np.broadcast_to(weights[:, None], (*shape, len(BONES))),
                   np.broadcast_to(openness[:, None], shape))


def _capped(
    points: Array, along: Array, weights: Array, openness: Array, end: int,
) -> tuple[Array, Array, Array, Array]:
    """Close an end with a point at the middle of its ring."""
    tip = np.broadcast_to(points[end, :-1].mean(0), points[end].shape)
    where = 0 if end == 0 else len(points)
    return (np.insert(points, where, tip, axis=0), np.insert(along, where, along[end]),
            np.insert(weights, where, weights[end], axis=0),
            np.insert(openness, where, openness[end]))


def mirrored(mesh: Mesh) -> Mesh:
    """Return the other side's copy: y turned over, left bones for right ones."""
    turn = np.array([1.0, -1.0, 1.0])
    order = [BONE[bone.replace('left_', 'right_')] if bone.startswith('left_')
             else BONE[bone.replace('right_', 'left_')] for bone in BONES]
    return replace(mesh, points=mesh.points * turn, normals=mesh.normals * turn,
                   faces=np.ascontiguousarray(mesh.faces[:, ::-1]),
                   weights=mesh.weights[:, order])


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh of all."""
    starts = np.cumsum([0, *(len(mesh.points) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
                       ).astype(np.int32),
        np.concatenate([mesh.texels for mesh in meshes]),
        np.concatenate([mesh.weights for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.openness for mesh in meshes]),
    )
