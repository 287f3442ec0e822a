"""Raw image fields to BGR and back."""

from __future__ import annotations

import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ImageError
from neuropose_ros.imaging import raw

COLOURS = np.random.default_rng(7).integers(0, 256, (6, 8, 3), np.uint8)


def message(samples, encoding, *, step=None, width=None, height=None, big=0):
    """Return Image fields around samples (H, W[, C])."""
    row_bytes = samples[0].nbytes
    return SimpleNamespace(
        encoding=encoding, height=samples.shape[0] if height is None else height,
        width=samples.shape[1] if width is None else width,
        step=row_bytes if step is None else step, is_bigendian=big,
        data=array.array('B', samples.tobytes()))


def test_bgr8_is_a_read_only_view_of_the_message():
    given = message(COLOURS, 'bgr8')
    image = raw.decode(given)
    np.testing.assert_array_equal(image, COLOURS)
    assert np.shares_memory(image, np.frombuffer(given.data, np.uint8))
    assert not image.flags.writeable


def test_padded_rows_are_left_out():
    padded = np.zeros((6, 40), np.uint8)
    padded[:, :24] = COLOURS.reshape(6, 24)
    for encoding, expected in (('bgr8', COLOURS), ('rgb8', COLOURS[..., ::-1])):
        given = message(padded, encoding, width=8, step=40)
        np.testing.assert_array_equal(raw.decode(given), expected)
        given.data = given.data[:-16]  # the last row may come without its padding
        np.testing.assert_array_equal(raw.decode(given), expected)


@pytest.mark.parametrize(('encoding', 'samples'), [
    ('rgb8', COLOURS[..., ::-1]),
    ('bgra8', np.dstack([COLOURS, COLOURS[..., :1]])),
    ('rgba8', np.dstack([COLOURS[..., ::-1], COLOURS[..., :1]])),
    ('8UC3', COLOURS),
    ('bgr16', COLOURS.astype(np.uint16) * 257),
    ('rgba16', np.dstack([COLOURS[..., ::-1], COLOURS[..., :1]]).astype(np.uint16) * 257),
])
def test_colours_keep_their_channels(encoding, samples):
    np.testing.assert_array_equal(raw.decode(message(samples, encoding)), COLOURS)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_becomes_three_equal_channels(encoding):
    grey = COLOURS[..., 0]
    np.testing.assert_array_equal(
        raw.decode(message(grey, encoding)), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
@pytest.mark.parametrize('big', [0, 1])
def test_16_bits_are_scaled_in_either_byte_order(encoding, big):
    samples = np.array([[0, 0x1234, 0xFF00, 0xFFFF]], '>u2' if big else '<u2')
    given = message(samples, encoding, big=big)
    assert raw.decode(given)[0, :, 0].tolist() == [0, 18, 254, 255]


def test_white_level_of_a_12_bit_camera():
    samples = np.array([[0, 2048, 4095, 5000]], '<u2')
    image = raw.decode(message(samples, 'mono16'), white_level=4095)
    assert image[0, :, 0].tolist() == [0, 128, 255, 255]
    with pytest.raises(ImageError, match='white level 0'):
        raw.decode(message(samples, 'mono16'), white_level=0)


@pytest.mark.parametrize(('encoding', 'order'), [
    ('uyvy', 'uyvy'), ('yuv422', 'uyvy'), ('yuyv', 'yuyv'), ('yuv422_yuy2', 'yuyv')])
def test_yuv422(encoding, order):
    # BT.601, video range: a pure red has Y 81, U 90, V 240; a mid grey Y 126, U V 128.
    red, grey = {'y': 81, 'u': 90, 'v': 240}, {'y': 126, 'u': 128, 'v': 128}
    row = [colour[letter] for colour in (red, grey) for letter in order]
    samples = np.array([row, row], np.uint8).reshape(2, 4, 2)
    image = raw.decode(message(samples, encoding))
    np.testing.assert_allclose(image[:, :2], np.broadcast_to([0, 0, 255], (2, 2, 3)), atol=2)
    np.testing.assert_allclose(image[:, 2:], 128, atol=2)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('bits', [8, 16])
def test_bayer_patterns_show_the_colour_that_was_there(pattern, bits):
    colour = {'b': 40, 'g': 120, 'r': 220}
    tile = np.array([colour[c] for c in pattern]).reshape(2, 2)
    mosaic = np.tile(tile, (8, 8)).astype(np.uint8 if bits == 8 else np.uint16)
    if bits == 16:
        mosaic *= 257
    image = raw.decode(message(mosaic, f'bayer_{pattern}{bits}'))
    assert image.shape == (16, 16, 3)
    np.testing.assert_allclose(image[4:-4, 4:-4], np.broadcast_to([40, 120, 220], (8, 8, 3)))


@pytest.mark.parametrize(('changes', 'sentence'), [
    ({'width': 0}, 'no pixels'),
    ({'height': 0}, 'no pixels'),
    ({'step': 23}, 'step 23, but a row of 8 bgr8 pixels takes 24 bytes'),
    ({'step': 25}, '144 bytes of data, but 8x6 bgr8 with step 25 takes 149'),
    ({'data': array.array('B')}, '0 bytes of data'),
    ({'data': array.array('B', bytes(143))}, '143 bytes of data'),
    ({'encoding': 'yuyv', 'width': 7}, 'even width, not 7'),
    ({'width': 7680, 'height': 4320, 'step': 23040}, r'7680x4320, 33\.2 million pixels'),
])
def test_contradictions_are_one_sentence(changes, sentence):
    given = message(COLOURS, 'bgr8')
    for field, value in changes.items():
        setattr(given, field, value)
    with pytest.raises(ImageError, match=sentence) as caught:
        raw.decode(given)
    assert '\n' not in str(caught.value)


def test_8k_is_taken_when_asked_for():
    given = SimpleNamespace(
        encoding='bgr8', width=7680, height=4320, step=23040, is_bigendian=0,
        data=np.zeros(4320 * 23040, np.uint8).data)
    assert raw.decode(given, max_pixels=1 << 26).shape == (4320, 7680, 3)


def test_unknown_encoding_lists_what_is_understood():
    with pytest.raises(ImageError, match=r"'hologram'.*bayer_bggr8.*yuyv"):
        raw.decode(message(COLOURS, 'hologram'))


def test_pack_makes_what_messages_take_at_once():
    cut = cv2.resize(COLOURS, (16, 12))[2:-1, 3:-2]  # rows that do not lie together
    data = raw.pack(cut)
    assert isinstance(data, array.array)
    assert data.typecode == 'B'
    assert data.tobytes() == cut.tobytes()


@pytest.mark.parametrize('image', [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)])
def test_check_refuses_what_is_not_bgr(image):
    with pytest.raises(ImageError, match='uint8'):
        raw.check_image(image)
