"""What is missing shows in the numbers of what came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuropose_ros.core.pose import FramePolicy
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.losses import Losses

from .people import floats, pose_frame


def test_frames_that_the_pose_node_skipped_are_not_missing() -> None:
    losses = Losses()
    for index, skipped in ((0, 0), (1, 0), (4, 2), (9, 1), (10, 0)):
        losses.note_poses('poses', pose_frame(index, skipped_before=skipped))
    assert losses.skipped['poses'] == 3 and losses.missing['poses'] == 3


def test_a_new_epoch_or_a_number_that_goes_back_is_no_gap() -> None:
    losses = Losses()
    for index, epoch in ((7, 0), (0, 1), (1, 1), (0, 1), (1, 1), (50, 2)):
        losses.note_poses('poses', pose_frame(index, epoch=epoch))
    assert losses.missing['poses'] == 0


@pytest.mark.parametrize(('policy', 'missing'), [
    (FramePolicy.EVERY_FRAME, 3), (FramePolicy.NEWEST, 0)])
def test_a_gap_of_a_source_that_gives_every_frame_is_a_loss(
    policy: FramePolicy, missing: int,
) -> None:
    losses = Losses()
    first = FrameInfo(1, 5, policy=policy)
    for info in (first, replace(first, frame_seq=9)):
        losses.note_frame(info)
    assert losses.missing['frame_info'] == missing
    assert losses.skipped['frame_info'] == 3 - missing


def test_samples_are_counted_by_stream() -> None:
    losses = Losses()
    for stream, sequence in (('eeg', 0), ('emg', 100), ('eeg', 4), ('eeg', 10), ('emg', 104)):
        losses.note_signal(SignalChunk(1, stream, sequence, floats(0, 4, 2)))
    assert losses.missing == {'eeg': 2, 'emg': 0}
