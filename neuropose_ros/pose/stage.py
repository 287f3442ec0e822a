"""The pose stage: frame in, people with identities out, whatever happens to the frame."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.clocks import Stopwatch, Timeline
from neuropose_ros.core.errors import ImageError, NeuroposeError
from neuropose_ros.core.layouts import convert_frame
from neuropose_ros.core.pose import (
    Floats,
    Frame,
    FrameStatus,
    Image,
    PersonPose,
    PoseFrame,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.imaging.exposure import Exposure
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.estimator import PoseEstimator
from neuropose_ros.pose.expectation import Expectation, usable_feedback
from neuropose_ros.pose.reid import PersonEncoder
from neuropose_ros.pose.tracking import Tracker

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in a frame, before anybody has an identity.

    Attributes:
        epoch: of the results.
        skipped: frames skipped before it.
        found: None = the frame could not be looked at.
        expected: whom the estimator was told to expect.
        error: why it could not be looked at.
    """

    frame: Frame
    epoch: int
    skipped: int
    found: PoseFrame | None = None
    expected: Expectation | None = None
    error: Exception | None = None


class PoseStage:
    """Runs an estimator on frame after frame.

    Attributes:
        last_error: one sentence on what was wrong with the last frame that was followed, empty
            if nothing.
        restarts: how often time or epoch began anew and the state was dropped.
        skipped: frames of the source that never came here.
    """

    def __init__(
        self, estimator: PoseEstimator, *, layout: SkeletonLayout | None = None,
        tracker: Tracker | None = None, reid: PersonEncoder | None = None,
        exposure: Exposure | None = None,
    ) -> None:
        """Take the estimator.

        Args:
            estimator: is reset and closed with the stage.
            layout: to give the people in; None = the estimator's.
            tracker: gives the identities.
            reid: is asked what people look like where motion leaves it open who is who; is
                closed with the stage.
            exposure: brightens dark frames for the estimator; None = they stay as they are.
        """
        self._estimator = estimator
        self._layout = layout or estimator.layout
        self._tracker = tracker or Tracker(estimator.layout)
        self._reid = reid
        self._exposure = exposure
        self._timeline = Timeline()
        self._last_seq: int | None = None
        self._epoch_offset = 0
        self._epoch = 0
        self._told = ''
        self.last_error = ''
        self.restarts = 0
        self.skipped = 0

    @property
    def layout(self) -> SkeletonLayout:
        """The layout of the results."""
        return self._layout

    @property
    def model(self) -> str:
        """Id of the model."""
        return self._estimator.model

    @property
    def uses_feedback(self) -> bool:
        """Whether the estimator looks at what feedback says."""
        return self._estimator.uses_expected

    @property
    def exposure_stops(self) -> float:
        """How often the light of the last frame was doubled for the estimator; 0 = not."""
        return 0.0 if self._exposure is None else self._exposure.stops

    def process(self, frame: Frame, feedback: PoseFrame | None = None) -> PoseFrame:
        """Return the people in ``frame``; status ERROR and `last_error` if it cannot be used.

        A frame of a new epoch, or from before the last one, makes the stage begin anew.

        Args:
            frame: the next one.
            feedback: the newest people of the refinement, which help to expect who is where.
        """
        return self.follow(self.look(frame, lambda: feedback))

    def look(
        self, frame: Frame, feedback: Callable[[], PoseFrame | None],
        settle: Callable[[], object] = lambda: None,
    ) -> Look:
        """Do the first half of `process`: find people; `follow` is the second.

        The next frame may be looked at before this one is followed, from another thread: what
        depends on `follow` is asked for after ``settle``, so the results are the same.

        Args:
            frame: the next one.
            feedback: gives the newest people of the refinement, when somebody looks at them.
            settle: returns when all earlier frames were followed.
        """
        skipped = self._enter(frame.stamp_ns, frame.epoch, frame.frame_seq, settle)
        try:
            image = checked_image(frame.image)
            if image is not frame.image:
                frame = replace(frame, image=image)
            expected = self._expect(frame.stamp_ns, feedback, settle)
            found = self._estimator.estimate(self._lit(frame), expected)
        except Exception as error:  # noqa: BLE001 - one frame must not end all others
            return Look(frame, self._epoch, skipped, error=error)
        return Look(frame, self._epoch, skipped, found, expected)

    def follow(self, look: Look) -> PoseFrame:
        """Do the second half of `process`: give the people found their identities."""
        frame, found, expected = look.frame, look.found, look.expected
        self.last_error = '' if look.error is None else self._note(look.error)
        if found is None or expected is None:
            return self._lost(look)
        try:
            clock = Stopwatch()
            looks = self._looks(frame, found)
            people = self._tracker.update(found.persons, frame.stamp_ns, looks)
        except Exception as error:  # noqa: BLE001 - one frame must not end all others
            self.last_error = self._note(error)
            return self._lost(look)
        found = convert_frame(
            replace(found, persons=people), self._estimator.layout, self._layout)
        return replace(
            found, epoch=look.epoch, skipped_before=look.skipped,
            feedback_stamp_ns=expected.feedback_stamp_ns,
            postprocess_ms=found.postprocess_ms + clock.lap_ms())

    def failed(
        self, info: FrameInfo, seq_is_local: bool, settle: Callable[[], object] = lambda: None,
    ) -> PoseFrame:
        """Return the result of a frame whose image could not even be read."""
        skipped = self._enter(info.stamp_ns, info.epoch, info.frame_seq, settle)
        return PoseFrame(
            stamp_ns=info.stamp_ns, frame_seq=info.frame_seq, layout=self._layout.id,
            image_width=0, image_height=0, frame_id=info.frame_id, epoch=self._epoch,
            seq_is_local=seq_is_local, status=FrameStatus.ERROR, skipped_before=skipped,
            stage='pose', model=self.model)

    def reset(self) -> None:
        """Forget all earlier frames; ids of people are not used again."""
        self._forget()
        self._timeline = Timeline()
        self._last_seq = None

    def close(self) -> None:
        """Give back what the networks hold."""
        self._estimator.close()
        if self._reid is not None:
            self._reid.close()

    def _lit(self, frame: Frame) -> Frame:
        """Return the frame as the estimator is to see it."""
        if self._exposure is None:
            return frame
        image = self._exposure.correct(frame.image)
        return frame if image is frame.image else replace(frame, image=image)

    def _note(self, error: Exception) -> str:
        """Say what went wrong; a mistake of the program's own is shown with its place, once."""
        known = isinstance(error, NeuroposeError)
        sentence = str(error) if known else f'{type(error).__name__}: {error}'
        if not known and sentence != self._told:
            _LOG.error('a frame could not be looked at', exc_info=error)
        self._told = sentence
        return sentence

    def _lost(self, look: Look) -> PoseFrame:
        return replace(self._empty(look.frame), epoch=look.epoch, skipped_before=look.skipped)

    def _expect(
        self, stamp_ns: int, feedback: Callable[[], PoseFrame | None],
        settle: Callable[[], object],
    ) -> Expectation:
        epoch = self._epoch

        def predict() -> Sequence[PersonPose]:
            settle()
            return self._tracker.predict(stamp_ns)

        return Expectation(predict, lambda: usable_feedback(
            feedback(), stamp_ns=stamp_ns, epoch=epoch, given=self._layout,
            wanted=self._estimator.layout), stamp_ns=stamp_ns)

    def _looks(self, frame: Frame, found: PoseFrame) -> list[Floats | None] | None:
        """Return what those look like of whom it is unclear who they are."""
        if self._reid is None:
            return None
        chosen = self._tracker.unclear(found.persons, frame.stamp_ns)
        looks: list[Floats | None] = [None] * len(found.persons)
        if chosen:
            boxes = np.stack([found.persons[i].box for i in chosen])
            vectors = self._reid.encode(Picture(frame.image), boxes)
            for index, vector in zip(chosen, vectors, strict=True):
                looks[index] = vector
        return looks

    def _enter(
        self, stamp_ns: int, epoch: int, frame_seq: int, settle: Callable[[], object],
    ) -> int:
        """Take the frame's place in time; return the frames skipped before it."""
        if self._timeline.restarted(stamp_ns, epoch, frame_seq):
            self.restarts += 1
            settle()
            self._forget()
            # A camera or bag that begins anew with an old epoch: consumers must see a new one.
            self._epoch_offset = max(self._epoch_offset, self._epoch + 1 - epoch)
        self._epoch = epoch + self._epoch_offset
        last, self._last_seq = self._last_seq, frame_seq
        skipped = max(0, frame_seq - last - 1) if last is not None else 0
        self.skipped += skipped
        return skipped

    def _forget(self) -> None:
        self._estimator.reset()
        self._tracker.reset()
        if self._exposure is not None:
            self._exposure.reset()

    def _empty(self, frame: Frame) -> PoseFrame:
        height, width = (*getattr(frame.image, 'shape', ()), 0, 0)[:2]
        return PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=self._layout.id,
            image_width=width, image_height=height, frame_id=frame.frame_id, epoch=frame.epoch,
            seq_is_local=frame.seq_is_local, status=FrameStatus.ERROR, stage='pose',
            model=self.model, receive_ms=frame.receive_ms)


def checked_image(image: Image) -> Image:
    """Return an image that every estimator can read: (H, W, 3) uint8, rows one after the other.

    Raises:
        ImageError: it is something else, or empty.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(f'an image must be an array, not {type(image).__name__}')
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            f'an image must be (height, width, 3) uint8 in BGR, not {image.shape} {image.dtype}')
    if not image.size:
        raise ImageError(f'an image of {image.shape[1]}x{image.shape[0]} has no pixels')
    return np.ascontiguousarray(image)
