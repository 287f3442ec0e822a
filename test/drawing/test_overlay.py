"""What is drawn differs with what is known, and nothing bad draws over the edge."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.errors import ImageError, LayoutError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.drawing.overlay import LEFT, MIDDLE, RIGHT, action_line, draw, status_line

BONE = SkeletonLayout('bone', ('left_hand', 'right_hand'), ((0, 1),), ((0, 1),))
GREY = np.full((480, 640, 3), 90, np.uint8)


def person(points, state=JointState.MEASURED, **extra) -> PersonPose:
    points = np.asarray(points, np.float32)
    values = {
        'keypoints': points, 'keypoint_scores': np.ones(len(points), np.float32),
        'keypoint_states': np.full(len(points), state, np.uint8),
        'box': np.array((40, 40, 280, 180), np.float32), 'score': 0.9, 'track_id': 3,
        'track_state': TrackState.CONFIRMED, **extra}
    return PersonPose(**values)


def frame(*people, **extra) -> PoseFrame:
    values = {'stamp_ns': 1, 'frame_seq': 42, 'layout': BONE.id, 'image_width': 640,
              'image_height': 480, 'status': FrameStatus.OK, 'stage': 'pose', **extra}
    return PoseFrame(**values, persons=people)


def colour_at(image, x, y):
    return tuple(image[y, x].tolist())


def share(image, colour, rows, columns):
    """Return the share of pixels of about this colour."""
    part = image[rows, columns].astype(int)
    return float((np.abs(part - colour).max(axis=2) < 30).mean())


HANDS = ((80, 100), (240, 100))
ALONG = (slice(100, 101), slice(100, 220))


def test_the_image_itself_stays_as_it_is():
    image = GREY.copy()
    drawn = draw(image, frame(person(HANDS)), BONE)
    assert drawn is not image
    assert (image == 90).all()
    assert (drawn != 90).any()


def test_the_line_of_status_can_be_left_out():
    strip = slice(460, 480)
    assert (draw(GREY, frame(), BONE)[strip] != 90).any()
    assert (draw(GREY, frame(), BONE, status=False) == 90).all()


def test_a_picture_that_must_not_be_written_to_is_drawn_on():
    image = GREY[:, ::-1]
    image.flags.writeable = False
    assert (draw(image, frame(person(HANDS)), BONE) != 90).any()


def test_left_is_blue_right_orange_and_what_joins_them_green():
    drawn = draw(GREY, frame(person(HANDS)), BONE)
    assert colour_at(drawn, 80, 100) == LEFT
    assert colour_at(drawn, 240, 100) == RIGHT
    assert colour_at(drawn, 160, 100) == pytest.approx(MIDDLE, abs=30)


def test_measured_is_solid_predicted_dashed_and_hollow_occluded_faint():
    solid, dashed, faint = (
        draw(GREY, frame(person(HANDS, state)), BONE)
        for state in (JointState.MEASURED, JointState.PREDICTED, JointState.OCCLUDED))
    ink = share(solid, MIDDLE, *ALONG), share(dashed, MIDDLE, *ALONG), share(faint, MIDDLE, *ALONG)
    assert ink[0] == 1.0
    assert 0.3 < ink[1] < 0.7
    assert ink[2] == 0.0
    assert colour_at(solid, 80, 100) == LEFT
    assert colour_at(dashed, 76, 100) == pytest.approx(LEFT, abs=60)  # the ring
    assert colour_at(dashed, 80, 98) == pytest.approx((90, 90, 90), abs=30)
    assert colour_at(solid, 80, 98) == LEFT
    assert colour_at(faint, 160, 100) not in ((90, 90, 90), MIDDLE)


def test_a_bone_is_as_sure_as_its_less_sure_end():
    mixed = person(HANDS)
    mixed.keypoint_states[1] = JointState.PREDICTED
    assert share(draw(GREY, frame(mixed), BONE), MIDDLE, *ALONG) == pytest.approx(
        share(draw(GREY, frame(person(HANDS, JointState.PREDICTED)), BONE), MIDDLE, *ALONG))


@pytest.mark.parametrize('hidden', [(np.nan, np.nan), (240, np.nan), (np.inf, 0), (1e30, 5)])
def test_a_joint_without_a_place_is_not_drawn(hidden):
    someone = person((HANDS[0], hidden), box=np.zeros(4, np.float32))
    drawn = draw(GREY, frame(someone), BONE)
    assert colour_at(drawn, 80, 100) == LEFT
    assert (drawn[80:120, 95:300] == 90).all()


@pytest.mark.parametrize('points', [
    ((-500, -500), (900, 900)), ((-9e4, 0), (9e4, 10)), ((639, 479), (0, 0))])
@pytest.mark.parametrize('state', JointState)
def test_joints_beyond_the_border_do_no_harm(points, state):
    box = np.array((-1e4, -1e4, 1e4, 1e4), np.float32)
    assert draw(GREY, frame(person(points, state, box=box)), BONE).shape == GREY.shape


@pytest.mark.parametrize('box', [(np.nan,) * 4, (np.inf, 0, 1, 2), (50, 50, 10, 10), (0,) * 4])
def test_boxes_that_cannot_be_do_no_harm(box):
    drawn = draw(GREY, frame(person(HANDS, box=np.array(box, np.float32))), BONE)
    assert colour_at(drawn, 80, 100) == LEFT


@pytest.mark.parametrize('size', [(1, 1), (5, 700), (700, 5), (480, 640), (1080, 1920)])
def test_every_size_of_image_can_be_drawn_on(size):
    image = np.zeros((*size, 3), np.uint8)
    assert draw(image, frame(person(HANDS)), BONE).shape == image.shape


@pytest.mark.parametrize('image', [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
    np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ImageError, match='cannot draw'):
        draw(image, frame(), BONE)


def test_people_of_another_layout_are_refused():
    with pytest.raises(LayoutError, match='2 joints; layout coco17'):
        draw(GREY, frame(person(HANDS)), COCO17)


def test_a_lost_person_is_marked():
    seen, lost = (draw(GREY, frame(person(HANDS, track_state=state)), BONE)
                  for state in (TrackState.CONFIRMED, TrackState.LOST))
    box = (slice(60, 170), slice(40, 41))
    assert seen[box].mean() > lost[box].mean() + 20
    assert (seen[20:40] != lost[20:40]).any()


def test_an_action_or_why_there_is_none_is_written_into_the_box():
    people = frame(person(HANDS))
    walks = Action(3, 0, 0, 9, 1.0, np.array((0.9, 0.1), np.float32), 0, 'walk')
    unsure = replace(walks, top_index=-1, top_label='unknown', reason='thin_coverage')
    assert action_line(walks) == 'walk 0.90'
    assert action_line(unsure) == 'unknown: thin_coverage'
    plain = draw(GREY, people, BONE)
    told = (walks, unsure, replace(walks, track_id=4), replace(walks, track_id=-1))
    drawn = [draw(GREY, people, BONE, ActionFrame(1, 42, 'gait@1234', 'tiny', actions=(action,)))
             for action in told]
    rows, columns = slice(40, 80), slice(40, 280)
    changed = [(image != plain).any(axis=2) for image in drawn]
    assert changed[0][rows, columns].sum() == changed[0].sum() > 50
    assert changed[1].sum() > changed[0].sum()
    assert not changed[2].any()
    assert not changed[3].any()


def test_the_status_line_says_what_is_known():
    someone = person(HANDS, delay_ms=33.4)
    lost = person(HANDS, track_state=TrackState.LOST)
    line = status_line(frame(
        someone, lost, inference_ms=20.0, preprocess_ms=1.5, postprocess_ms=0.5,
        skipped_before=2, stage='refinement'))
    assert line == 'refinement  #42  OK  1 seen  1 lost  22.0 ms  delay 33 ms  2 skipped'
    assert status_line(frame(status=FrameStatus.ERROR)) == 'pose  #42  ERROR  0 seen'


def test_two_people_take_less_than_two_milliseconds():
    rng = np.random.default_rng(0)
    image = np.zeros((480, 640, 3), np.uint8)
    poses = frame(*(
        person(np.clip(rng.normal((320, 240), 60, (33, 2)), 0, 470), track_id=index)
        for index in range(2)), layout=BLAZEPOSE33.id)
    costs_ms = []
    for _ in range(60):
        before_ns = time.thread_time_ns()
        draw(image, poses, BLAZEPOSE33)
        costs_ms.append((time.thread_time_ns() - before_ns) / 1e6)
    # A tenth of the frames, so that other work on this machine does not count.
    assert np.quantile(costs_ms, 0.1) < 2.0


def test_every_state_is_told_apart():
    drawn = {state: draw(GREY, frame(replace(person(HANDS, state), score=0.5)), BONE)
             for state in (JointState.MEASURED, JointState.PREDICTED, JointState.OCCLUDED)}
    pictures = [picture.tobytes() for picture in drawn.values()]
    assert len(set(pictures)) == 3
