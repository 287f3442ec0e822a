"""Images with their numbers, from topics or from this process, on their way to a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sensor_msgs.msg import CompressedImage, Image

from neuropose_ros.core import wire
from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.pose import Frame, FramePolicy
from neuropose_ros.msg import FrameInfo
from neuropose_ros.nodes import images, qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.mailbox import Mailbox
from neuropose_ros.nodes.ports import Input
from neuropose_ros.nodes.rates import RateMeter
from neuropose_ros.pose.arrivals import Arrival, Arrivals

Item = Frame | Arrival[Any]


class FrameInput:
    """Reads ``image_raw`` and ``frame_info`` and holds what the worker has not taken yet.

    Attributes:
        received: rate and number of images that came.
        image_errors: images that could not be decoded.
    """

    def __init__(self, node: StageNode, transport: str) -> None:
        """Prepare to read; nothing is subscribed before `want`.

        Args:
            node: whose ports these are.
            transport: ``raw`` or ``compressed``.
        """
        self._node = node
        self._mailbox: Mailbox[Item] = Mailbox()
        self._arrivals: Arrivals[Image | CompressedImage] = Arrivals()
        self._unstamped = 0
        self.received = RateMeter()
        self.image_errors = 0
        base = node.resolve_topic_name('image_raw')
        compressed = transport == 'compressed'
        self._image: Input[Frame] = Input(
            node, f'{base}/compressed' if compressed else base,
            CompressedImage if compressed else Image, qos.best_effort(5), self._on_image,
            on_value=self._on_frame, message_key=lambda m: wire.stamp_ns(m.header.stamp),
            hub=node.hub, local_topic=base)
        self._info: Input[wire.FrameInfo] = Input(
            node, node.beside('frame_info', base), FrameInfo, qos.reliable(50), self._on_info)

    @property
    def topic(self) -> str:
        """Where images come from."""
        return self._image.topic

    @property
    def is_open(self) -> bool:
        """Whether images are wanted."""
        return self._image.is_open

    @property
    def zero_stamps(self) -> int:
        """Images refused because they have no time."""
        return self._arrivals.zero_stamps + self._unstamped

    @property
    def replaced(self) -> int:
        """Images that a newer one replaced before the worker came to them."""
        return self._mailbox.replaced

    def want(self, wanted: bool) -> None:
        """Open or close as demand says; call it regularly."""
        if not wanted and self._image.is_open:
            self._mailbox.clear()
        self._image.want(wanted)
        # Frames of this process carry what FrameInfo says themselves.
        self._info.want(wanted and self._image.subscribed)
        if wanted:
            self._take(self._arrivals.overdue())

    def details(self) -> dict[str, int]:
        """Return the counts for /diagnostics."""
        return {
            'received': self.received.count,
            'waiting_replaced': self.replaced,
            'image_errors': self.image_errors,
            'zero_stamps': self.zero_stamps,
            'repeated_stamps': self._arrivals.repeats,
            'without_frame_info': self._arrivals.unpaired,
        }

    def publishers(self) -> int:
        """Return how many publish images on the topic."""
        return self._image.publishers()

    # -- in the executor's or the camera's thread ----------------------------------------------

    def _on_frame(self, frame: Frame) -> None:
        self.received.tick()
        if frame.stamp_ns <= 0:
            self._unstamped += 1
            self._node.say_once('zero', f'{self.topic}: a frame has no time and is refused')
            return
        frame = replace(frame, receive_ms=self._age_ms(frame.stamp_ns))
        if frame.policy is FramePolicy.EVERY_FRAME:
            # The camera's own thread waits here: that is its pace.
            # The camera's patience to end (5 s) is longer.
            self._mailbox.put_waiting(frame, timeout_s=4.0)
        else:
            self._mailbox.put_newest(frame)

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.received.tick()
        stamp_ns = wire.stamp_ns(message.header.stamp)
        self._take(self._arrivals.image(
            message, stamp_ns, message.header.frame_id,
            informed=self._info.publishers() > 0))
        if stamp_ns == 0:
            self._node.say_once('zero', f'{self.topic}: an image has a zero stamp and is '
                                'refused: the camera driver must set header.stamp')

    def _on_info(self, message: FrameInfo) -> None:
        self._take(self._arrivals.info(wire.frame_info_from_message(message)))

    def _take(self, arrivals: list[Arrival[Any]]) -> None:
        for arrival in arrivals:
            if arrival.info.policy is FramePolicy.EVERY_FRAME:
                self._mailbox.put_waiting(arrival, timeout_s=0.0)
            else:
                self._mailbox.put_newest(arrival)

    def _age_ms(self, stamp_ns: int) -> float:
        return (int(self._node.get_clock().now().nanoseconds) - stamp_ns) / 1e6

    # -- in the worker's thread ----------------------------------------------------------------

    def work(self, process: Callable[[Item], None]) -> None:
        """Hand over one item after the other until `close`."""
        while not self._mailbox.closed:
            item = self._mailbox.get(timeout_s=1.0)
            if item is not None:
                process(item)

    def decode(self, item: Item) -> Frame:
        """Return the frame of an item.

        Raises:
            ImageError: the image cannot be read.
        """
        if isinstance(item, Frame):
            return item
        info = item.info
        try:
            image = images.image_to_bgr(item.payload)
        except ImageError:
            self.image_errors += 1
            raise
        return Frame(
            image=image, stamp_ns=info.stamp_ns, frame_seq=info.frame_seq,
            frame_id=info.frame_id, epoch=info.epoch, source=info.source, policy=info.policy,
            rectified=info.rectified, seq_is_local=item.seq_is_local,
            receive_ms=self._age_ms(info.stamp_ns))

    def close(self) -> None:
        """Let the worker end; the node closes the ports."""
        self._mailbox.close()
