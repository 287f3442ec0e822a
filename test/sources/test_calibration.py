"""camera_info files."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.calibration import Calibration, read_calibration

FILE = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [600.0, 0, 320.5, 0, 610, 239.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, -0.2, 0.001, 0.002, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [590, 0, 321, -59, 0, 600, 240, 0, 0, 0, 1, 0]
"""


@pytest.fixture
def write(tmp_path):
    def save(text):
        path = tmp_path / 'camera.yaml'
        path.write_text(text)
        return path
    return save


def test_fields(write):
    found = read_calibration(write(FILE))
    assert (found.width, found.height, found.camera_name) == (640, 480, 'narrow_stereo')
    assert found.k.tolist() == [[600, 0, 320.5], [0, 610, 239.5], [0, 0, 1]]
    assert found.d.tolist() == [0.1, -0.2, 0.001, 0.002, 0]
    assert found.p[0, 3] == -59
    assert found.distortion_model == 'plumb_bob'
    assert found.calibrated


def test_scaled_sees_a_point_where_the_resized_picture_shows_it(write):
    found = read_calibration(write(FILE))
    for width, height in ((320, 240), (1280, 960)):
        scaled = found.scaled(width, height)
        points = np.array([[0.2, -0.1, 2.0], [-0.5, 0.4, 3.0]])
        full, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), found.k, found.d)
        small, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), scaled.k, scaled.d)
        # Pixel centres are whole numbers, so the picture begins at -0.5.
        np.testing.assert_allclose((full + 0.5) * width / 640 - 0.5, small, atol=1e-9)
        assert scaled.p[0, 3] == -59 * width / 640
        assert (scaled.width, scaled.height) == (width, height)
    assert found.scaled(640, 480) is found


def test_another_shape_is_another_camera(write):
    with pytest.raises(SourceError, match=r'640x480.*1280x720'):
        read_calibration(write(FILE)).scaled(1280, 720)


def test_unknown_has_no_focal_length():
    unknown = Calibration.unknown(640, 480)
    assert not unknown.calibrated
    assert not unknown.k.any()
    assert not unknown.scaled(320, 240).k.any()


def test_rectification_and_projection_may_be_left_out(write):
    short = FILE[: FILE.index('rectification')]
    found = read_calibration(write(short))
    assert found.r.tolist() == np.eye(3).tolist()
    np.testing.assert_array_equal(found.p[:, :3], found.k)


@pytest.mark.parametrize(('old', 'new', 'sentence'), [
    (FILE, '', 'no fields'),
    (FILE, 'a: [', 'not YAML'),
    ('image_width: 640', 'image_width: wide', "image_width as a whole number above 0, not 'wide'"),
    ('image_width: 640', 'image_width: 0', 'image_width'),
    ('camera_matrix', 'other_matrix', 'camera_matrix'),
    ('[600.0, 0,', '[600.0,', '8 numbers in camera_matrix'),
    ('[600.0, 0,', '[.nan, 0,', 'finite numbers in camera_matrix'),
    ('[600.0, 0,', '[-600.0, 0,', 'positive focal lengths'),
    ('[600.0, 0,', '[left, 0,', 'no numbers in camera_matrix'),
    ('plumb_bob', 'fish', "'fish'; known are plumb_bob"),
    ('0.002, 0]', '0.002]', '4 distortion_coefficients'),
])
def test_errors_name_file_and_field(write, old, new, sentence):
    path = write(FILE.replace(old, new))
    with pytest.raises(SourceError, match=sentence) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(SourceError, match='No such file'):
        read_calibration(tmp_path / 'none.yaml')
