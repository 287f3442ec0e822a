"""The rasteriser against a pixel-by-pixel calculation."""

from __future__ import annotations

import numpy as np

from neuropose_ros.sources.synthetic.raster import front_faces, rasterise

WIDTH, HEIGHT = 48, 36


def rasterised(x, y, inverse_depth, faces):
    """Return (depth image, face image) with -1 where nothing is."""
    x, y, inverse_depth = (np.asarray(v, np.float32) for v in (x, y, inverse_depth))
    faces = np.asarray(faces, np.int32).T
    front, triangles = front_faces(x, y, faces)
    seen = rasterise(triangles, inverse_depth.take(faces.take(front, axis=1)), WIDTH, HEIGHT,
                     np.zeros(WIDTH * HEIGHT, np.int32))
    face = np.full(WIDTH * HEIGHT, -1)
    depth = np.zeros(WIDTH * HEIGHT)
    face[seen.pixel] = front[seen.face]
    depth[seen.pixel] = seen.inverse_depth
    assert len(set(seen.pixel.tolist())) == len(seen.pixel)
    return face.reshape(HEIGHT, WIDTH), depth.reshape(HEIGHT, WIDTH)


def expected(x, y, inverse_depth, faces):
    """The same from the definition: inside all three edges, nearest wins."""
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    face, depth = np.full((HEIGHT, WIDTH), -1), np.zeros((HEIGHT, WIDTH))
    edge = np.zeros((HEIGHT, WIDTH), bool)
    for number, (a, b, c) in enumerate(faces):
        area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        if area <= 0:
            continue
        shares = []
        for p, q in ((b, c), (c, a), (a, b)):
            shares.append(((x[q] - x[p]) * (row - y[p]) - (y[q] - y[p]) * (column - x[p])) / area)
        inside = np.minimum.reduce(shares)
        edge |= np.abs(inside) < 1e-4
        value = sum(s * inverse_depth[v] for s, v in zip(shares, (a, b, c), strict=True))
        nearer = (inside > 0) & (value > depth)
        face[nearer], depth[nearer] = number, value[nearer]
    return face, depth, edge


def test_random_triangles_are_seen_as_calculated_pixel_by_pixel():
    random = np.random.default_rng(3)
    x, y = random.uniform(-12, WIDTH + 12, 120), random.uniform(-12, HEIGHT + 12, 120)
    # Depths far apart: the test of the order is not one of rounding.
    inverse_depth = np.repeat(random.permutation(40) * 0.02 + 0.1, 3)
    faces = np.arange(120).reshape(40, 3)
    face, depth = rasterised(x, y, inverse_depth, faces)
    want_face, want_depth, edge = expected(x, y, inverse_depth, faces)
    assert (face[~edge] == want_face[~edge]).mean() > 0.999
    same = (face == want_face) & (face >= 0)
    assert np.abs(depth - want_depth)[same].max() < 1e-4
    assert same.sum() > 500


def test_depth_is_interpolated_and_decides_where_surfaces_cross():
    x, y = [5, 40, 5, 5, 40, 5], [5, 5, 30, 5, 5, 30]
    inverse_depth = [0.2, 0.8, 0.2, 0.5, 0.5, 0.5]
    face, depth = rasterised(x, y, inverse_depth, [(0, 1, 2), (3, 4, 5)])
    assert face[6, 8] == 1
    assert face[6, 34] == 0
    assert np.isclose(depth[6, 34], 0.2 + 0.6 * (34 - 5) / 35, atol=1e-5)


def test_neighbouring_triangles_leave_no_gap_and_cover_exactly_their_pixels():
    x, y = [4.0, 20.3, 20.3, 4.0], [3.0, 3.7, 25.2, 25.0]
    face, _ = rasterised(x, y, [1, 1, 1, 1], [(0, 1, 2), (0, 2, 3)])
    covered = face >= 0
    assert covered[5:24, 5:20].all()
    assert not covered[:, :4].any()
    assert not covered[:, 21:].any()
    assert not covered[27:].any()


def test_back_faces_and_faces_outside_are_not_seen():
    face, _ = rasterised([5, 5, 40], [5, 30, 5], [1, 1, 1], [(0, 1, 2)])
    assert (face == -1).all()
    face, _ = rasterised([-50, -10, -50], [5, 5, 30], [1, 1, 1], [(0, 1, 2)])
    assert (face == -1).all()
