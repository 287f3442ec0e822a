"""What did not reach the recorder, read off the numbers of what did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from neuropose_ros.core.pose import FramePolicy, PoseFrame
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.core.wire import FrameInfo


@dataclass
class Losses:
    """Counts gaps, by topic or stream.

    Attributes:
        missing: frames or samples that were made and did not come here.
        skipped: frames that the source or the pose node left out to stay current.
    """

    missing: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note_frame(self, info: FrameInfo) -> None:
        """Take what is known of the next picture."""
        gap = self._gap('frame_info', info.epoch, info.frame_seq, 1)
        # A camera that stays current numbers what it leaves out: that is no loss.
        every_frame = info.policy is FramePolicy.EVERY_FRAME
        (self.missing if every_frame else self.skipped)['frame_info'] += gap

    def note_poses(self, topic: str, frame: PoseFrame) -> None:
        """Take the next frame of people."""
        gap = self._gap(topic, frame.epoch, frame.frame_seq, 1)
        skipped = min(gap, frame.skipped_before)
        self.skipped[topic] += skipped
        self.missing[topic] += gap - skipped

    def note_signal(self, chunk: SignalChunk) -> None:
        """Take the next samples of a stream."""
        gap = self._gap(chunk.stream, 0, chunk.sequence, len(chunk.data))
        self.missing[chunk.stream] += gap

    def _gap(self, key: str, epoch: int, number: int, length: int) -> int:
        """Return how many numbers are missing before ``number``; none after a restart."""
        before = self._last.get(key)
        self._last[key] = (epoch, number + length)
        if before is None or before[0] != epoch:
            return 0
        return max(number - before[1], 0)
