"""Sends and receives known images and says what arrived: how fast, how much, and unharmed.

    python -m neuropose_ros.nodes.image_probe send --format 1920x1080@30
    python -m neuropose_ros.nodes.image_probe receive --format 1920x1080@30

Both make the same pictures from a seed, so the receiver compares every byte. Each prints one
JSON object when it is done (the sender) or interrupted (the receiver).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Frame
from neuropose_ros.core.pose import Image as Picture
from neuropose_ros.core.wire import stamp_ns
from neuropose_ros.imaging import raw
from neuropose_ros.nodes import dds, images, qos
from neuropose_ros.nodes.spin import run

TOPIC = 'probe/image_raw'
_PICTURES = 4
_DISCOVERY_S = 20.0
# What is under way arrives while the writer is still there.
_LINGER_S = 0.3


@dataclass(frozen=True)
class Format:
    """Size in px and rate of a stream of images."""

    width: int
    height: int
    rate_hz: float

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read ``1920x1080@30``.

        Raises:
            ParameterError: it is not written so.
        """
        match = re.fullmatch(r'(\d+)x(\d+)@(\d+(?:\.\d+)?)', text)
        if match is None or not all(float(number) > 0 for number in match.groups()):
            raise ParameterError(f'A format is written 1920x1080@30 (px, px, Hz), not {text!r}.')
        width, height, rate_hz = match.groups()
        return cls(int(width), int(height), float(rate_hz))

    def pictures(self) -> list[Picture]:
        """Return different (H, W, 3) pictures, the same in every process."""
        random = np.random.default_rng(20)
        shape = (self.height, self.width, 3)
        return [random.integers(0, 256, shape, np.uint8) for _ in range(_PICTURES)]


class Usage:
    """Samples of (steady clock, CPU time of this process), both in s."""

    def __init__(self) -> None:
        """Start without a sample."""
        self.samples: list[tuple[float, float]] = []

    def sample(self) -> None:
        """Take one."""
        self.samples.append((time.monotonic(), time.process_time()))

    def sample_for_ever(self) -> None:
        """Take one every 50 ms, until the process ends."""
        while True:
            self.sample()
            time.sleep(0.05)


class Sender(Node):
    """Publishes numbered pictures at an even rate once somebody listens, as a camera does."""

    def __init__(self, form: Format, *, warmup_s: float, seconds: float) -> None:
        """Start to wait for a listener."""
        super().__init__('image_sender')
        self._form = form
        self._pictures = form.pictures()
        self._publisher = self.create_publisher(Image, TOPIC, qos.best_effort(5))
        self._warmup = round(warmup_s * form.rate_hz)
        self._count = self._warmup + round(seconds * form.rate_hz)
        self.stamps_ns: list[int] = []
        self._usage = Usage()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        until = time.monotonic() + _DISCOVERY_S
        while self._publisher.get_subscription_count() == 0 and time.monotonic() < until:
            time.sleep(0.02)
        start = time.perf_counter()
        for number in range(self._count):
            time.sleep(max(0.0, start + number / self._form.rate_hz - time.perf_counter()))
            if number == self._warmup:
                self._usage.sample()
            self._send(number)
        self._usage.sample()
        time.sleep(_LINGER_S)
        rclpy.try_shutdown()

    def _send(self, number: int) -> None:
        stamp = time.time_ns()
        frame = Frame(
            image=self._pictures[number % _PICTURES], stamp_ns=stamp, frame_seq=number,
            frame_id=str(number))
        self._publisher.publish(images.image_from_frame(frame))
        self.stamps_ns.append(stamp)

    def report(self) -> dict[str, Any]:
        """What was sent after the warm-up, and the CPU time used from then to the end."""
        return {
            'first': self._warmup, 'stamps_ns': self.stamps_ns[self._warmup:],
            'usage': self._usage.samples}


class Receiver(Node):
    """Takes pictures, compares every byte, and notes when they came."""

    def __init__(self, form: Format) -> None:
        """Subscribe."""
        super().__init__('image_receiver')
        self._expected = [raw.pack(picture) for picture in form.pictures()]
        self._shape = (form.height, form.width, 3)
        self._arrivals: list[tuple[int, int, int, bool]] = []
        self._usage = Usage()
        # A timer would wake the executor that is measured.
        threading.Thread(target=self._usage.sample_for_ever, daemon=True).start()
        self._subscription = self.create_subscription(
            Image, TOPIC, self._receive, qos.best_effort(5))

    def _receive(self, message: Image) -> None:
        image = images.image_to_bgr(message)
        now_ns = time.time_ns()
        number = int(message.header.frame_id)
        # Equal arrays of bytes are compared by memcmp: every byte, at half a ms for 1080p.
        intact = image.shape == self._shape and (
            message.data == self._expected[number % _PICTURES])
        self._arrivals.append((number, stamp_ns(message.header.stamp), now_ns, intact))

    def report(self) -> dict[str, Any]:
        """What arrived: number, stamp, time (ns), whether the bytes were right; CPU time."""
        return {'arrivals': self._arrivals, 'usage': self._usage.samples}


def main(args: list[str] | None = None) -> int:
    """Run one end as a process of its own."""
    given = sys.argv[1:] if args is None else args
    parser = argparse.ArgumentParser(prog='image_probe', description=__doc__)
    parser.add_argument('end', choices=('send', 'receive'))
    parser.add_argument('--format', required=True, help='as 1920x1080@30')
    parser.add_argument('--warmup', type=float, default=0.6, help='s sent before counting')
    parser.add_argument('--seconds', type=float, default=5.0, help='s counted')
    parser.add_argument('--stock', action='store_true', help='set no defaults of ours')
    own = parser.parse_args(remove_ros_args(args=['image_probe', *given])[1:])
    made: list[Sender | Receiver] = []

    def factory() -> list[Sender | Receiver]:
        form = Format.parse(own.format)
        made.append(Sender(form, warmup_s=own.warmup, seconds=own.seconds)
                    if own.end == 'send' else Receiver(form))
        return made

    setup = (lambda: dds.describe(os.environ)) if own.stock else dds.apply_defaults
    code = run(factory, given, setup=setup)
    for node in made:
        print(json.dumps(node.report()), flush=True)
    return code


if __name__ == '__main__':
    sys.exit(main())
