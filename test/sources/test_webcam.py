"""The camera source, against a stand-in for the device: no camera is needed.

``StandIn`` does what OpenCV's V4L2 capture does as far as the source can see. What real drivers
do with sizes, rates and buffers is not shown here.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.cameras import CameraProbe, CameraState
from neuropose_ros.sources.live import Backoff
from neuropose_ros.sources.webcam import WebcamSource

ROS_OFFSET_NS = 1_700_000_000_000_000_000
EXPOSURE_NS = 7_000_000


class StandIn:
    """A camera that can be unplugged."""

    def __init__(self):
        """Be plugged in and free."""
        self.state = CameraState.READY
        self.opened = self.released = self.grabbed = 0
        self.settings = {cv2.CAP_PROP_FPS: 30.0}
        self.limits = {}
        self.clock = 'monotonic'
        self.damaged = 0
        self.taken_ns = 0

    def open(self, path):
        self.opened += 1
        return self

    def probe(self, path):
        return CameraProbe(path, self.state, f'{path} is {self.state.value}.')

    def isOpened(self):
        return self.state is CameraState.READY

    def grab(self):
        time.sleep(0.005)
        self.grabbed += 1
        self.taken_ns = time.monotonic_ns() - EXPOSURE_NS
        return self.state is CameraState.READY

    def retrieve(self):
        if self.damaged:
            self.damaged -= 1
            return False, None
        return True, np.full((4, 6, 3), self.grabbed % 256, np.uint8)

    def get(self, prop):
        if prop == cv2.CAP_PROP_POS_MSEC:
            return {'monotonic': self.taken_ns / 1e6, 'none': 0.0, 'odd': 5e12}[self.clock]
        return self.settings.get(prop, 0.0)

    def set(self, prop, value):
        self.settings[prop] = min(value, self.limits.get(prop, value))
        return True

    def release(self):
        self.released += 1


@pytest.fixture
def camera():
    return StandIn()


def now():
    return time.monotonic_ns() + ROS_OFFSET_NS


@pytest.fixture
def open_camera(camera):
    opened = []

    def make(**options):
        opened.append(WebcamSource(
            '/dev/video0', now=now, open_device=camera.open, probe=camera.probe, stall_s=0.5,
            backoff=Backoff(0.02, 0.05), **options))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


def test_stamps_are_the_drivers_mapped_to_ros_time(camera, open_camera):
    source = open_camera(keep=100)
    for _ in range(5):
        picture = source.read()
        # The mapping is as exact as the two clocks are read at the same moment.
        age_ns = now() - picture.time_ns
        assert EXPOSURE_NS <= age_ns < EXPOSURE_NS + 500_000_000
    assert source.rate_hz == 30.0
    assert source.live


@pytest.mark.parametrize('clock', ['none', 'odd'])
def test_without_a_usable_clock_arrival_counts_and_is_announced_once(
    camera, open_camera, clock, caplog
):
    camera.clock = clock
    source = open_camera()
    before = now()
    stamps = [source.read().time_ns for _ in range(3)]
    assert all(before <= stamp <= now() for stamp in stamps)
    assert caplog.text.count('no usable clock') == 1


def test_settings_are_asked_for_in_the_order_drivers_take_them(camera, open_camera, caplog):
    camera.limits = {cv2.CAP_PROP_FRAME_WIDTH: 640}
    source = open_camera(size=(1280, 720), rate_hz=60.0, fourcc='MJPG')
    source.read()
    assert list(camera.settings)[1:] == [
        cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT]
    assert camera.settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*'MJPG')
    assert source.rate_hz == 60.0
    assert [r.getMessage() for r in caplog.records] == [
        '/dev/video0 gives width 640 instead of 1280.']


@pytest.mark.parametrize('state', [
    CameraState.ABSENT, CameraState.NO_PERMISSION, CameraState.BUSY, CameraState.NOT_A_CAMERA])
def test_what_cannot_be_used_is_refused_at_once(camera, open_camera, state):
    camera.state = state
    with pytest.raises(SourceError, match=f'/dev/video0 is {state.value}'):
        open_camera()
    assert camera.opened == 0


def test_a_camera_that_vanishes_and_comes_back(camera, open_camera):
    source = open_camera()
    assert source.read().restart
    assert not source.read().restart
    camera.state = CameraState.ABSENT
    with pytest.raises(SourceError, match='/dev/video0 has vanished'):
        while True:
            source.read()
    with pytest.raises(SourceError, match='/dev/video0 is absent'):
        source.read()
    assert camera.released == 1
    camera.state = CameraState.READY
    for _ in range(20):
        try:
            picture = source.read()
            break
        except SourceError:
            continue
    assert picture.restart
    assert camera.opened == 2


def test_damaged_pictures_are_left_out(camera, open_camera, caplog):
    camera.damaged = 3
    source = open_camera(keep=100)
    assert source.read().image[0, 0, 0] == 4
    assert caplog.text.count('damaged pictures') == 1
    camera.damaged = 1000
    with pytest.raises(SourceError, match='only damaged'):
        while True:
            source.read()


def test_a_camera_that_hangs(camera, open_camera):
    source = open_camera()
    source.read()
    camera.grab = lambda: time.sleep(1.5)
    with pytest.raises(SourceError, match=r'no picture for 0\.5 s'):
        for _ in range(3):
            source.read()


def test_open_only_while_it_is_read(camera, open_camera):
    source = open_camera()
    assert camera.opened == 0
    source.read()
    source.pause()
    assert source.read() is None
    source.close()
    assert (camera.opened, camera.released) == (1, 1)


def test_format_has_four_letters(open_camera):
    with pytest.raises(SourceError, match="'JPEG2'"):
        open_camera(fourcc='JPEG2')
