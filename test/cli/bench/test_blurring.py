"""`neuropose bench blurring`: faces are found before it, and none after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.cli.bench import blurring
from neuropose_ros.cli.bench.blurring import Clip, measure, read_clip, suppress, write_sheet
from neuropose_ros.cli.bench.face_finder import FaceFinder, _parts
from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import ModelError, NeuroposeError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus

from ...imaging.bodies import frame, noise, person


class Painted:
    """Takes pixels of pure red for faces: counts what is left of them."""

    def find(self, image) -> np.ndarray:
        left = (image == (0, 0, 255)).all(-1).sum()
        return np.zeros((int(left > 0), 4), np.float32)


def clip(count: int = 40) -> Clip:
    image = noise()
    image[95:105, 295:305] = (0, 0, 255)
    poses = tuple(replace(frame(i, person(300))) for i in range(count))
    return Clip('painted', COCO17, (image,) * count, poses)


@pytest.mark.parametrize('suppressed', [0.0, 0.3])
def test_faces_are_counted_in_the_same_pictures_before_and_after(suppressed):
    result, pairs = measure(clip(), suppressed, 10, Painted())
    assert result['faces_before'] == result['looked_at'] == 10
    assert result['faces_after'] == 0 and sum(result['hidden'].values()) == 40
    assert pairs and all(pair.shape == (240, 640, 3) for pair in pairs)


def test_a_blurring_that_hides_nothing_is_noticed(monkeypatch):
    class Nothing(blurring.VideoBlurring):
        def push(self, image, stamp_ns, poses):
            list(super().push(image, stamp_ns, poses))
            yield stamp_ns, image

        def flush(self):
            return iter(())

    monkeypatch.setattr(blurring, 'VideoBlurring', Nothing)
    assert measure(clip(), 0.0, 10, Painted())[0]['faces_after'] == 10


def test_suppressing_takes_the_share_away_and_says_nobody():
    kept = list(suppress(clip(1000).poses, 0.2))
    gone = [one for one in kept if not one.persons]
    assert 150 < len(gone) < 250
    assert all(one.status == FrameStatus.NO_PERSON for one in gone)
    again = suppress(clip(1000).poses, 0.2)
    assert [len(one.persons) for one in kept] == [len(one.persons) for one in again]


def test_parts_cover_the_picture():
    seen = np.zeros((90, 160), bool)
    for left, top, right, bottom in list(_parts(160, 90))[1:]:
        assert right - left == bottom - top == 60
        seen[top:bottom, left:right] = True
    assert seen.all()


def test_a_sheet_is_one_picture(tmp_path):
    write_sheet([np.zeros((90, 640, 3), np.uint8), np.zeros((240, 640, 3), np.uint8)] * 2,
                tmp_path / 'sheet.png')
    assert (tmp_path / 'sheet.png').stat().st_size > 100
    with pytest.raises(NeuroposeError, match='cannot be written'):
        write_sheet([np.zeros((90, 640, 3), np.uint8)], tmp_path / 'no' / 'sheet.png')


def test_it_says_what_it_needs(monkeypatch, capsys):
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    assert main(['bench', 'blurring']) == 2
    assert 'needs clips with people' in capsys.readouterr().err


def test_real_faces_are_gone(data_folder):
    try:
        finder = FaceFinder()
        people = read_clip(data_folder, 'skeleton_demo.mp4', 24)
    except ModelError as error:
        pytest.skip(f'needs the published networks: {error}')
    for suppressed in (0.0, 0.2):
        result, _ = measure(people, suppressed, 3, finder)
        assert result['faces_before'] >= 5 and result['faces_after'] == 0
