"""Blurring: no detail of a face is left, and whatever is not known for sure is hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, TrackState
from neuropose_ros.imaging.blurring import BlurSettings, VideoBlurring, finds_everyone, hide
from neuropose_ros.imaging.heads import Box, Circle

from .bodies import HEAD_PX, SIZE, STEP_NS, frame, noise, person

PICTURE = noise()
CAREFUL = BlurSettings()


def blur(frames, settings=CAREFUL):
    """Blur a video of noise; None stands for a picture without poses."""
    blurring = VideoBlurring(COCO17, settings)
    pictures = []
    for index, poses in enumerate(frames):
        pictures += blurring.push(PICTURE, 10**18 + index * STEP_NS, poses)
    pictures += blurring.flush()
    assert [stamp for stamp, _ in pictures] == [
        10**18 + i * STEP_NS for i in range(len(frames))]
    assert sum(blurring.counts.values()) == len(frames)
    return [picture for _, picture in pictures], blurring.counts


def hidden(picture) -> np.ndarray:
    """(H, W) which pixels were changed."""
    return (picture != PICTURE).any(-1)


def is_hidden_wholly(picture) -> bool:
    return hidden(picture).mean() > 0.99


def test_a_head_is_hidden_and_nothing_else():
    [picture], counts = blur([frame(0, person(300))])
    rows, columns = np.nonzero(hidden(picture))
    assert np.hypot(columns - 300, rows - 100).max() < 2 * HEAD_PX
    face = hidden(picture)[100 - 20:100 + 20, 300 - 20:300 + 20]
    assert face.mean() > 0.99
    assert counts == {'heads': 1}


def test_no_detail_is_left():
    stripes = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    for regions in ([Circle(300, 100, 40)], [Box((200, 50, 500, 450))], None):
        part = hide(stripes, regions)[90:110, 280:320].astype(int)
        assert np.abs(np.diff(part, axis=1)).max() <= 8


def test_the_given_picture_is_not_touched():
    before = PICTURE.copy()
    blur([frame(0, person(300)), None])
    assert (before == PICTURE).all()


def test_an_unsure_head_hides_the_person():
    [picture], counts = blur([frame(0, person(300, unsure=COCO17.names[:5]))])
    assert hidden(picture)[100:400, 260:340].mean() > 0.99
    assert not is_hidden_wholly(picture) and counts == {'persons': 1}


@pytest.mark.parametrize('poses', [
    None,
    frame(0),
    frame(0, person(300), status=FrameStatus.ERROR),
    frame(0, person(300), status=FrameStatus.SKIPPED),
    frame(0, person(300), status=FrameStatus.UNKNOWN),
    frame(1, person(300)),
    frame(0, person(300), image_width=320),
    frame(0, person(300), layout=BLAZEPOSE33.id),
    frame(0, person(300), model='blazepose/onnxruntime-cpu'),
    frame(0, person(300), model=''),
    frame(0, person(300, track_state=TrackState.LOST)),
    frame(0, person(300, keypoint_states=np.full(17, JointState.PREDICTED, np.uint8))),
    frame(0, person(300, keypoints=np.full((17, 2), np.nan, np.float32),
                    box=np.full(4, np.nan, np.float32))),
], ids=['no poses', 'nobody', 'error', 'skipped', 'unknown', 'other stamp', 'other size',
        'other layout', 'follows one person', 'unknown model', 'lost', 'predicted', 'nowhere'])
def test_what_is_not_known_hides_the_picture(poses):
    [picture], counts = blur([poses])
    assert is_hidden_wholly(picture) and counts == {'pictures': 1}


def test_somebody_not_found_any_more_hides_the_picture_until_they_are():
    both, one = (person(150), person(450)), (person(150),)
    frames = [frame(i, *(one if 3 <= i < 6 else both)) for i in range(9)]
    pictures, _ = blur(frames)
    assert [is_hidden_wholly(p) for p in pictures] == [False] * 3 + [True] * 3 + [False] * 3


def test_nobody_is_forgotten_unless_that_is_wanted():
    frames = [frame(0, person(150), person(450)), *(frame(i, person(150)) for i in range(1, 90))]
    pictures, _ = blur(frames)
    assert all(is_hidden_wholly(p) for p in pictures[1:])
    pictures, _ = blur(frames, BlurSettings(forget_s=1.0))
    assert [is_hidden_wholly(p) for p in pictures] == [False] + 30 * [True] + 59 * [False]


def test_somebody_never_confirmed_is_waited_for_a_while():
    ghost = person(450, track_state=TrackState.TENTATIVE)
    frames = [frame(0, person(150), ghost), *(frame(i, person(150)) for i in range(1, 60))]
    pictures, _ = blur(frames, BlurSettings(forget_tentative_s=1.0))
    assert sum(is_hidden_wholly(p) for p in pictures) == 30


def test_somebody_new_was_there_before():
    frames = [frame(i, *(person(150), person(450))[:1 + (i >= 30)]) for i in range(32)]
    pictures, _ = blur(frames, BlurSettings(look_back_s=0.5))
    assert [is_hidden_wholly(p) for p in pictures] == 14 * [False] + 16 * [True] + 2 * [False]


def test_pictures_come_out_late_but_no_later_than_that():
    blurring = VideoBlurring(COCO17, BlurSettings(look_back_s=0.2))
    ready = [len(list(blurring.push(PICTURE, 10**18 + i * STEP_NS, frame(i, person(300)))))
             for i in range(20)]
    assert ready == 7 * [0] + 13 * [1]


def test_somebody_who_walks_or_gets_another_number_is_not_lost():
    walking = [frame(i, person(100 + 4 * i, track_id=i // 10)) for i in range(40)]
    pictures, _ = blur(walking)
    assert not any(is_hidden_wholly(p) for p in pictures)


def test_who_is_found_elsewhere_at_once_is_somebody_else():
    frames = [frame(i, person(100 if i < 2 else 560)) for i in range(4)]
    pictures, _ = blur(frames)
    assert all(is_hidden_wholly(p) for p in pictures)


def test_a_new_epoch_begins_with_nobody():
    frames = [frame(0, person(100), person(500)), frame(1, person(300), epoch=1)]
    pictures, _ = blur(frames, BlurSettings(look_back_s=0.0))
    assert not is_hidden_wholly(pictures[1])


def test_time_that_goes_back_lets_everything_out_and_starts_anew():
    blurring = VideoBlurring(COCO17)
    first = list(blurring.push(PICTURE, 10**18, frame(0, person(100))))
    second = list(blurring.push(
        PICTURE, 10**18 - 5, replace(frame(0, person(500)), stamp_ns=10**18 - 5)))
    rest = list(blurring.flush())
    assert [len(first), len(second), len(rest)] == [0, 1, 1]
    assert blurring.counts == {'heads': 2}


@pytest.mark.parametrize('region', [
    Circle(-500, 100, 40), Circle(639, 479, 40), Circle(3e9, -3e9, 40), Circle(320, 240, 1e7),
    Box((-90, -90, -10, -10)), Box((600, 400, 9e9, 9e9)), Box((5, 5, 5.2, 5.2))])
def test_regions_may_reach_beyond_the_picture(region):
    assert hide(PICTURE, [region]).shape == PICTURE.shape


@pytest.mark.parametrize('array', [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(array):
    with pytest.raises(ImageError, match='cannot blur'):
        hide(array, None)


def test_which_models_find_everyone():
    assert finds_everyone('rtmdet-nano/onnxruntime-cpu>movenet-lightning/litert-cpu')
    assert finds_everyone('rtmo-s/onnxruntime-cpu')
    assert not finds_everyone('blazepose/onnxruntime-cpu')
