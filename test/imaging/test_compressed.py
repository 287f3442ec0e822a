"""JPEG and PNG bytes to BGR, whole ones only."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ImageError
from neuropose_ros.imaging import compressed

SMOOTH = cv2.resize(
    np.random.default_rng(3).integers(0, 256, (6, 8, 3), np.uint8), (160, 120),
    interpolation=cv2.INTER_CUBIC)


def encoded(suffix, *options):
    return cv2.imencode(suffix, SMOOTH, list(options))[1].tobytes()


def with_thumbnail(jpeg):
    """Return the JPEG with a complete small JPEG inside an application segment."""
    small = cv2.imencode('.jpg', SMOOTH[::8, ::8])[1].tobytes()
    return jpeg[:2] + b'\xff\xe1' + (len(small) + 2).to_bytes(2, 'big') + small + jpeg[2:]


def test_jpeg_round_trip():
    data = compressed.encode_jpeg(SMOOTH, 95)
    assert isinstance(data, array.array)
    image = compressed.decode(data)
    assert np.abs(image.astype(int) - SMOOTH).mean() < 3
    assert len(compressed.encode_jpeg(SMOOTH, 20)) < len(data) / 2


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.webp'])
def test_other_formats(suffix):
    options = (cv2.IMWRITE_WEBP_QUALITY, 101) if suffix == '.webp' else ()
    np.testing.assert_array_equal(compressed.decode(encoded(suffix, *options)), SMOOTH)


@pytest.mark.parametrize('data', [
    encoded('.jpg'),
    encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encoded('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 4),
    with_thumbnail(encoded('.jpg')),
    encoded('.png'),
], ids=['baseline', 'progressive', 'restart-markers', 'thumbnail', 'png'])
def test_whole_is_taken_and_cut_off_is_not(data):
    assert compressed.decode(data).shape == (120, 160, 3)
    assert compressed.decode(data + bytes(64)).shape == (120, 160, 3)  # padding of some cameras
    for kept in (9, 20, 200, len(data) // 2, len(data) - 2):
        with pytest.raises(ImageError, match=f'cut off after {kept} bytes'):
            compressed.decode(data[:kept])


@pytest.mark.parametrize('data', [b'', b'no picture at all', b'BM' + bytes(60)])
def test_what_is_no_picture(data):
    with pytest.raises(ImageError, match=r'empty|not a picture|cannot be decoded'):
        compressed.decode(data, name='/camera/image')


def test_size_is_looked_at_before_decoding():
    for suffix in ('.jpg', '.png', '.bmp'):
        with pytest.raises(ImageError, match='160x120'):
            compressed.decode(encoded(suffix), max_pixels=100)


@pytest.mark.parametrize('quality', [0, 101])
def test_quality_has_a_range(quality):
    with pytest.raises(ImageError, match=str(quality)):
        compressed.encode_jpeg(SMOOTH, quality)
