"""Joints that are hidden go with those that are seen."""

import numpy as np

from neuropose_ros.refinement.skeletal import SkeletalModel, follow, unknown_bodies

_MEAN = np.array([[0.0, -0.5], [0.0, 0.0], [-0.2, 0.5], [0.2, 0.5]])
_TOGETHER = 0.9 * np.ones((4, 4)) + 0.1 * np.eye(4)
_MODEL = SkeletalModel(_MEAN, 0.1 * _TOGETHER, 0.02 * _TOGETHER)
_DT_S = np.array([1 / 30])


def _body(shift_px: float) -> np.ndarray:
    return (_MEAN * 100 + (200 + shift_px, 150))[None]


def _sd(px: float = 1.0) -> np.ndarray:
    return np.full((1, 4), px)


def test_a_hidden_joint_is_carried_by_the_others() -> None:
    bodies, _ = follow(_MODEL, unknown_bodies(1, 4), 0 * _DT_S, _body(0), _sd())
    for frame in range(1, 11):
        points = _body(5.0 * frame)
        points[0, 3] = np.nan
        bodies, prepared = follow(_MODEL, bodies, _DT_S, points, _sd())
    error = np.linalg.norm(prepared.filtered[0, 3] - _body(50.0)[0, 3])
    assert error < 8.0  # it lay 50 px behind if it had stayed
    assert prepared.seen[0].tolist() == [1, 1, 1, 0]
    assert prepared.filtered_sd[0, 3] > 2 * prepared.filtered_sd[0, 0]
    assert abs(prepared.age_s[0, 3] - 10 / 30) < 1e-9


def test_a_joint_never_seen_is_where_bodies_have_it() -> None:
    points = _body(0)
    points[0, 0] = np.nan
    _, prepared = follow(_MODEL, unknown_bodies(1, 4), 0 * _DT_S, points, _sd())
    size = prepared.size[0]
    assert np.linalg.norm(prepared.filtered[0, 0] - _body(0)[0, 0]) < 0.35 * size


def test_an_unsure_measurement_moves_little() -> None:
    bodies, _ = follow(_MODEL, unknown_bodies(1, 4), 0 * _DT_S, _body(0), _sd())
    points, sd = _body(0), _sd()
    points[0, 2, 0] += 30
    moved = []
    for doubt in (1.0, 30.0):
        sd[0, 2] = doubt
        moved.append(follow(_MODEL, bodies, _DT_S, points, sd)[1].filtered[0, 2, 0])
    at_rest = _body(0)[0, 2, 0]
    assert moved[0] - at_rest > 3 * (moved[1] - at_rest) > 0


def test_place_and_size_in_the_image_do_not_matter() -> None:
    def run(scale: float, shift: float) -> np.ndarray:
        bodies = unknown_bodies(1, 4)
        for frame in range(5):
            points = _body(4.0 * frame) * scale + shift
            if frame > 2:
                points[0, 1] = np.nan
            bodies, prepared = follow(_MODEL, bodies, _DT_S * (frame > 0), points, _sd(scale))
        return prepared.filtered
    assert np.allclose(run(3.0, 40.0), run(1.0, 0.0) * 3.0 + 40.0)


def test_people_of_whom_nothing_is_known_stay_unknown() -> None:
    bodies, prepared = follow(
        _MODEL, unknown_bodies(2, 4), np.zeros(2),
        np.concatenate((_body(0), np.full((1, 4, 2), np.nan))), np.full((2, 4), np.inf))
    assert bodies.size[0] > 0 == bodies.size[1]
    assert all(np.isfinite(part).all() for part in prepared)


def test_nothing_breaks_in_the_long_run() -> None:
    random, bodies = np.random.default_rng(0), unknown_bodies(1, 4)
    for frame in range(3000):
        points = _body(float(random.normal(0, 20)))
        points[0, random.random(4) < (0.3 if frame % 300 < 250 else 1.0)] = np.nan
        if frame % 97 == 0:
            points[0, 1] = 1e6
        bodies, prepared = follow(
            _MODEL, bodies, np.array([random.choice((0.001, 1 / 30, 3.0))]), points,
            np.full((1, 4), random.choice((0.01, 1.0, 50.0, np.inf))))
        assert all(np.isfinite(part).all() for part in prepared), frame
    for _ in range(150):
        bodies, prepared = follow(_MODEL, bodies, _DT_S, _body(0), _sd())
    assert 50 < prepared.size[0] < 250
    assert np.linalg.eigvalsh(bodies.covariance[0]).min() > -1e-9


def test_a_joint_far_away_at_first_sight_makes_no_giant() -> None:
    sizes = []
    for far_px in (0.0, 9e5):
        points = _body(0)
        points[0, 0, 0] += far_px
        sizes.append(follow(_MODEL, unknown_bodies(1, 4), 0 * _DT_S, points, _sd())[1].size[0])
    assert sizes[1] < 2 * sizes[0]
