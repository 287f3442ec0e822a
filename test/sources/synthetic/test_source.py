"""The synthetic subject as a source: pictures, truth and their agreement."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import FrameStatus, JointState, Origin3D
from neuropose_ros.sources.base import Source
from neuropose_ros.sources.open import open_source
from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.props import Treadmill
from neuropose_ros.sources.synthetic.scenes import parse
from neuropose_ros.sources.synthetic.source import SyntheticSource, open_synthetic
from neuropose_ros.sources.synthetic.stage import Stage

SMALL = 'width=320&height=240'


def pictures(spec: str, count: int) -> list:
    """Return the first pictures of a source."""
    source = open_synthetic(spec)
    return [source.read() for _ in range(count)]


def test_it_is_a_source_that_others_open_by_name():
    source: Source = open_source(f'synthetic:walk?{SMALL}&rate=25')
    assert isinstance(source, SyntheticSource)
    assert (source.name, source.live, source.rate_hz) == (
        f'synthetic:walk?{SMALL}&rate=25', False, 25.0)
    picture = source.read()
    assert picture.image.shape == (240, 320, 3)
    assert picture.image.dtype == np.uint8
    assert picture.source == 'synthetic:walk'
    source.close()
    source.close()


def test_times_are_exact_and_do_not_drift():
    found = pictures(f'synthetic:wave?{SMALL}&rate=29.97', 40)
    assert [picture.time_ns for picture in found] == [
        round(i * 1e9 / 29.97) for i in range(40)]


def test_equal_seeds_give_equal_pictures_and_truths_and_other_seeds_others():
    first = pictures(f'synthetic:walk?{SMALL}&seed=3', 4)
    again = pictures(f'synthetic:walk?{SMALL}&seed=3', 4)
    for a, b in zip(first, again, strict=True):
        assert (a.image == b.image).all()
        assert (a.truth.persons[0].keypoints == b.truth.persons[0].keypoints).all()
    other = pictures(f'synthetic:walk?{SMALL}&seed=4', 1)[0]
    assert (other.image != first[0].image).mean() > 0.3


def test_rewinding_gives_the_same_again():
    source = open_synthetic(f'synthetic:walk?{SMALL}')
    first = [source.read() for _ in range(3)]
    source.rewind()
    again = [source.read() for _ in range(3)]
    assert all((a.image == b.image).all() and a.time_ns == b.time_ns and a.restart == b.restart
               for a, b in zip(first, again, strict=True))


def test_a_picture_is_not_written_to_after_it_was_handed_out():
    source = open_synthetic(f'synthetic:walk?{SMALL}')
    first = source.read()
    copy = first.image.copy()
    source.read()
    assert (first.image == copy).all()


def test_an_instant_does_not_depend_on_what_was_drawn_before():
    scene, = parse(f'synthetic:passing_occluder?{SMALL}')
    first = Stage(scene).picture(3.0, 90)
    stage = Stage(scene)
    stage.picture(2.8, 84)
    image, truth = stage.picture(3.0, 90)
    assert (image == first[0]).all()
    before, after = first[1].persons[0], truth.persons[0]
    assert (before.keypoint_states == after.keypoint_states).all()
    assert (before.keypoints_3d == after.keypoints_3d).all()


def test_the_demo_shares_its_seconds_among_its_scenes():
    source = open_synthetic(f'synthetic:demo?{SMALL}&rate=10&seconds=2')
    found = []
    while (picture := source.read()) is not None:
        found.append(picture)
    assert len(found) == 20
    assert [picture.source.removeprefix('synthetic:') for picture in found[::4]] == [
        'front_walk', 'side_walk', 'textured_background', 'dim', 'passing_occluder']
    assert [i for i, picture in enumerate(found) if picture.restart] == [0, 4, 8, 12, 16]
    assert [picture.time_ns for picture in found] == [i * 100_000_000 for i in range(20)]
    assert source.read() is None
    source.rewind()
    assert (source.read().image == found[0].image).all()
    source.close()


def test_it_goes_on_without_end_when_no_seconds_are_set():
    source = open_synthetic(f'synthetic:demo?{SMALL}&rate=1')
    names = [source.read().source for _ in range(21)]
    assert names[0] == names[20] == 'synthetic:front_walk'
    assert names[19] == 'synthetic:passing_occluder'
    source.close()


@pytest.mark.parametrize('scene', ['front_walk', 'tremor?kind=rest', 'sit_to_stand', 'people'])
def test_the_truth_in_the_image_is_that_in_space_projected(scene):
    join = '&' if '?' in scene else '?'
    source = open_synthetic(f'synthetic:{scene}{join}{SMALL}')
    for _ in range(3):
        truth = source.read().truth
    camera = source.camera
    assert truth.status is FrameStatus.OK
    assert truth.layout == BLAZEPOSE33.id
    assert (truth.image_width, truth.image_height) == (320, 240)
    for person in truth.persons:
        assert person.origin_3d is Origin3D.CAMERA
        space = person.keypoints_3d.astype(float)
        flat = space @ camera.matrix.T
        assert flat[:, :2] / flat[:, 2:] == pytest.approx(person.keypoints, abs=1e-2)
        # Upright in the optical frame (y down), in front of the camera, of a person's size.
        nose, heel = (space[BLAZEPOSE33.index(name)] for name in ('nose', 'left_heel'))
        assert nose[1] < heel[1]
        assert 1.5 < nose[2] < 8
        assert 0.9 < heel[1] - nose[1] < 1.8


def test_the_left_of_the_subject_is_on_the_right_when_it_faces_the_camera():
    person = pictures(f'synthetic:front_walk?{SMALL}', 1)[0].truth.persons[0]
    x = dict(zip(BLAZEPOSE33.names, person.keypoints[:, 0], strict=True))
    for joint in ('eye', 'ear', 'shoulder', 'hip', 'knee'):
        assert x[f'left_{joint}'] > x[f'right_{joint}']


def test_from_the_side_the_far_half_of_the_face_is_hidden():
    person = pictures(f'synthetic:side_walk?{SMALL}', 1)[0].truth.persons[0]
    states = dict(zip(BLAZEPOSE33.names, person.keypoint_states, strict=True))
    assert states['right_ear'] == states['right_eye'] == JointState.MEASURED
    assert states['left_ear'] == states['left_eye'] == JointState.OCCLUDED
    assert states['left_shoulder'] == JointState.OCCLUDED


def test_what_stands_in_front_hides_joints():
    # The screen reaches the subject in the course of the scene.
    found = pictures(f'synthetic:passing_occluder?{SMALL}&rate=4', 16)
    hidden = [int((p.truth.persons[0].keypoint_states == JointState.OCCLUDED).sum())
              for p in found]
    plain = [int((p.truth.persons[0].keypoint_states == JointState.OCCLUDED).sum())
             for p in pictures(f'synthetic:passing_occluder?{SMALL}&rate=4&occluder=0', 16)]
    assert hidden[0] == plain[0]
    assert max(np.subtract(hidden, plain)) >= 12
    assert all(with_it >= without for with_it, without in zip(hidden, plain, strict=True))


def test_people_who_cross_hide_each_other():
    source = open_synthetic(f'synthetic:people?people=2&{SMALL}')
    crossed = 0
    for _ in range(60):
        people = source.read().truth.persons
        assert len({person.track_id for person in people}) == len(people)
        outside = any((person.keypoint_states == JointState.OUT_OF_FRAME).any()
                      for person in people)
        if len(people) < 2 or outside or abs(
                people[0].keypoints[:, 0].mean() - people[1].keypoints[:, 0].mean()) > 8:
            continue
        depths = [person.keypoints_3d[:, 2].mean() for person in people]
        far = people[int(np.argmax(depths))]
        near = people[int(np.argmin(depths))]
        crossed += 1
        assert (far.keypoint_states == JointState.OCCLUDED).sum() > (
            near.keypoint_states == JointState.OCCLUDED).sum()
    assert crossed


def test_joints_outside_the_image_say_so():
    person = pictures(f'synthetic:walk?{SMALL}&distance=1.5', 1)[0].truth.persons[0]
    inside = ((person.keypoints > -0.5) & (person.keypoints < (319.5, 239.5))).all(1)
    assert 0 < inside.sum() < 33
    assert ((person.keypoint_states == JointState.OUT_OF_FRAME) == ~inside).all()


def test_everybody_is_drawn_where_the_truth_says():
    with_people = pictures(f'synthetic:wave?{SMALL}&noise=0&people=3', 1)[0]
    assert len(with_people.truth.persons) == 3
    empty = np.median([picture.image for picture in pictures(
        f'synthetic:people?people=1&background=plain&{SMALL}&noise=0&rate=2&distance=4.55', 9)],
        axis=0)
    changed = np.abs(with_people.image - empty).max(2) > 25
    for person in with_people.truth.persons:
        seen = person.keypoint_states == JointState.MEASURED
        column, row = np.rint(person.keypoints[seen]).astype(int).T
        assert changed[row, column].mean() > 0.9


def test_a_lone_walker_through_the_room_starts_anew_after_each_pass():
    source = open_synthetic(f'synthetic:walk?travel=1&view=side&{SMALL}&rate=10')
    found = [source.read() for _ in range(50)]
    x = np.array([picture.truth.persons[0].keypoints_3d[:, 0].mean() for picture in found])
    restarts = [i for i, picture in enumerate(found) if picture.restart]
    jumps = [0, *(np.flatnonzero(np.abs(np.diff(x)) > 0.5) + 1).tolist()]
    assert restarts == jumps
    assert len(restarts) >= 2
    assert np.diff(x)[:restarts[1] - 1].mean() * 10 == pytest.approx(
        source.scene.stride_m * source.scene.cadence_steps_per_min / 120, rel=0.05)


def test_light_noise_and_background_do_what_they_say(tmp_path):
    bright, dim = (pictures(f'synthetic:walk?{SMALL}&noise=0&brightness={b}', 1)[0].image
                   for b in (1, 0.3))
    assert dim.mean() == pytest.approx(0.3 * bright.mean(), rel=0.05)
    clean, noisy = (pictures(f'synthetic:walk?{SMALL}&noise={n}', 1)[0].image.astype(float)
                    for n in (0, 6))
    assert (noisy - clean).std() == pytest.approx(6, rel=0.1)
    path = tmp_path / 'wall.png'
    cv2.imwrite(str(path), np.full((100, 100, 3), (10, 200, 30), np.uint8))
    image = pictures(f'synthetic:wave?{SMALL}&noise=0&background={path}', 1)[0].image
    assert (image[5, 5] == (10, 200, 30)).all()


def test_a_background_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(SourceError, match='is no picture that can be read'):
        open_synthetic(f'synthetic:walk?background={tmp_path}/none.png')


def test_the_belt_moves_backwards_by_the_way_walked():
    camera = Camera(640, 480, 554.0, (2.85, 0.0, 1.15), (0.0, 0.0, 0.93))
    belt = Treadmill(camera, np.zeros(3), np.pi / 2, 1.0, 0)

    def marks(way_m: float) -> np.ndarray:
        """Return where marks are along the belt (m, forward), read along one side of it."""
        frame = np.zeros((480, 640, 4), np.uint8)
        belt.draw_belt(frame, way_m)
        along = np.linspace(-0.85, 0.85, 1701)
        points = np.stack((np.full_like(along, 0.15), along, np.zeros_like(along)), 1)
        column, row = np.rint(camera.project(camera.to_optical(points))).astype(int).T
        bright = frame[row, column, 0] > 95
        starts = np.flatnonzero(np.diff(bright.astype(int)) == 1)
        return along[starts]

    before, after = marks(0.0), marks(0.10)
    assert 3 <= len(before) <= 6
    assert np.diff(before) == pytest.approx(0.38, abs=0.01)
    nearest = np.abs(after[:, None] - (before[None, :] - 0.10)).min(1)
    assert (nearest < 0.012).sum() >= len(after) - 1


def test_depth_comes_when_it_is_asked_for_and_is_that_of_what_is_shown():
    assert pictures(f'synthetic:walk?{SMALL}', 1)[0].depth is None
    picture = pictures(f'synthetic:walk?{SMALL}&depth=1', 1)[0]
    assert picture.depth.shape == (240, 320)
    assert picture.depth.dtype == np.float32
    person = picture.truth.persons[0]
    nose = BLAZEPOSE33.index('nose')
    u, v = np.rint(person.keypoints[nose]).astype(int)
    assert abs(picture.depth[v, u] - person.keypoints_3d[nose, 2]) < 0.03
    # The camera stands 2.85 m before the subject's place, the wall 3.6 m behind that.
    assert abs(picture.depth[100, 5] - 6.45) < 0.25
    floor = picture.depth[-1, 5]
    assert 2 < floor < 4


def test_a_picture_as_background_has_no_depth(tmp_path):
    cv2.imwrite(str(tmp_path / 'wall.png'), np.full((48, 64, 3), 90, np.uint8))
    picture = pictures(
        f'synthetic:walk?{SMALL}&depth=1&background={tmp_path}/wall.png', 1)[0]
    assert (picture.depth[:, :5] == 0).all()
    assert (picture.depth > 0).any()
