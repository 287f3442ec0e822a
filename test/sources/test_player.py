"""Numbers, stamps and pacing of frames."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import FramePolicy, PersonPose, PoseFrame
from neuropose_ros.sources.base import Picture
from neuropose_ros.sources.player import Player

MS = 1_000_000
IMAGE = np.zeros((48, 64, 3), np.uint8)


class Reel:
    """A medium of pictures made beforehand; ``live`` ones are handed out at once."""

    def __init__(self, pictures, live=False, rate_hz=None):
        """Take the pictures; an exception among them is raised when its turn comes."""
        self.pictures, self.live, self.rate_hz, self.name = list(pictures), live, rate_hz, 'reel'
        self.at = 0
        self.closed = False

    def read(self):
        if self.closed or self.at >= len(self.pictures):
            return None
        self.at += 1
        item = self.pictures[self.at - 1]
        if isinstance(item, Exception):
            raise item
        return item

    def rewind(self):
        self.at = 0

    def close(self):
        self.closed = True


def reel(*times_ms, **options):
    return Reel([Picture(IMAGE, t * MS) for t in times_ms], **options)


def stamps_ms(frames):
    return [frame.stamp_ns // MS for frame in frames]


def test_offline_stamps_are_the_start_plus_the_container_time():
    frames = list(Player(reel(0, 40, 47, 120), start_ns=5000 * MS, paced=False, first_seq=7,
                         epoch=3, frame_id='eye', rectified=True))
    assert stamps_ms(frames) == [5000, 5040, 5047, 5120]
    assert [f.frame_seq for f in frames] == [7, 8, 9, 10]
    assert {(f.epoch, f.frame_id, f.rectified, f.source) for f in frames} == {
        (3, 'eye', True, 'reel')}


def test_live_playback_starts_now():
    frames = list(Player(reel(0, 40), paced=False, now=lambda: 900 * MS))
    assert stamps_ms(frames) == [900, 940]


def test_loops_rise_in_time_and_epoch():
    player = Player(reel(0, 30, 100), loop=True, start_ns=0, paced=False)
    frames = list(itertools.islice(player, 7))
    assert stamps_ms(frames) == [0, 30, 100, 170, 200, 270, 340]
    assert [f.epoch for f in frames] == [0, 0, 0, 1, 1, 1, 2]
    assert [f.frame_seq for f in frames] == list(range(7))


def test_a_scene_of_its_own_time_is_a_new_epoch_once():
    pictures = [
        Picture(IMAGE, 0, 'first', restart=True), Picture(IMAGE, 50 * MS, 'first'),
        Picture(IMAGE, 0, 'second', restart=True), Picture(IMAGE, 50 * MS, 'second'),
    ]
    player = Player(Reel(pictures), loop=True, start_ns=0, paced=False)
    frames = list(itertools.islice(player, 6))
    assert [f.epoch for f in frames] == [0, 0, 1, 1, 2, 2]
    assert [f.source for f in frames] == ['first'] * 2 + ['second'] * 2 + ['first'] * 2
    assert stamps_ms(frames) == [0, 50, 100, 150, 200, 250]


def test_a_loop_over_nothing_ends_with_an_error():
    with pytest.raises(SourceError, match='no pictures'):
        list(Player(reel(), loop=True, paced=False))


def test_live_pictures_keep_their_time_and_show_what_was_lost():
    pictures = [Picture(IMAGE, 1000 * MS), Picture(IMAGE, 1100 * MS, lost_before=2),
                SourceError('unplugged'), Picture(IMAGE, 2000 * MS, restart=True)]
    player = Player(Reel(pictures, live=True), now=lambda: 2005 * MS)
    frames = []
    with pytest.raises(SourceError, match='unplugged'):
        frames.extend(iter(player.play().__next__, None))
    assert player.next_seq == 4
    frames = list(player.play())
    assert (frames[0].stamp_ns, frames[0].frame_seq, frames[0].epoch) == (2000 * MS, 4, 1)
    assert frames[0].receive_ms == 5.0
    assert player.skipped == 2


def test_pace_is_absolute():
    """A consumer's delays within the interval add up to nothing."""
    start = time.monotonic()
    late = []
    for index, _ in enumerate(Player(reel(*range(0, 400, 20)))):
        late.append(time.monotonic() - start - index * 0.02)
        time.sleep(0.01)
    assert min(late[-5:]) < 0.02
    assert min(late) >= 0


def test_a_rate_overrides_the_recording_but_not_its_stamps():
    begun = time.monotonic()
    frames = list(Player(reel(0, 500, 1000, 1500, 2000), rate_hz=100, start_ns=0))
    assert 0.04 <= time.monotonic() - begun < 0.4
    assert stamps_ms(frames) == [0, 500, 1000, 1500, 2000]


def test_rate_zero_and_unpaced_do_not_wait():
    for options in ({'rate_hz': 0}, {'paced': False}):
        begun = time.monotonic()
        assert len(list(Player(reel(0, 10_000, 20_000), **options))) == 3
        assert time.monotonic() - begun < 1


def test_newest_skips_what_is_past_and_the_gap_shows():
    player = Player(reel(*range(0, 500, 10)), policy=FramePolicy.NEWEST)
    seqs = []
    for frame in player:
        seqs.append(frame.frame_seq)
        time.sleep(0.045)
    assert 3 <= len(seqs) <= 14
    assert player.skipped == 50 - len(seqs)
    assert seqs[-1] == 49
    assert all(step >= 3 for step in np.diff(seqs)[:-1])


def test_newest_delivers_though_decoding_is_slower_than_the_recording():
    class Slow(Reel):
        def read(self):
            time.sleep(0.02)
            return super().read()

    player = Player(Slow([Picture(IMAGE, i * MS) for i in range(60)]), policy=FramePolicy.NEWEST)
    times = []
    for _ in player:
        times.append(time.monotonic())
    assert len(times) >= 4
    assert max(np.diff(times)) < 0.6


def test_every_frame_is_late_rather_than_lost():
    player = Player(reel(*range(0, 100, 10)), policy=FramePolicy.EVERY_FRAME)
    seqs = []
    for frame in player:
        seqs.append(frame.frame_seq)
        time.sleep(0.02)
    assert seqs == list(range(10))
    assert player.skipped == 0


def test_stop_wakes_a_waiting_player_and_play_goes_on_there():
    now_ms = itertools.count(1000, 5000)
    player = Player(reel(0, 60_000, 60_010), now=lambda: next(now_ms) * MS)
    frames = []
    threading.Timer(0.1, player.stop).start()
    begun = time.monotonic()
    frames.extend(player.play())
    assert time.monotonic() - begun < 1
    assert stamps_ms(frames) == [1000]
    frames.extend(player.play())
    assert stamps_ms(frames) == [1000, 6000, 6010]  # the pause is in the stamps
    assert [f.frame_seq for f in frames] == [0, 1, 2]


def test_the_rate_can_be_changed_while_waiting():
    player = Player(reel(0, 60_000, 60_010, 120_000))
    begun = time.monotonic()
    threading.Timer(0.1, setattr, (player, 'rate_hz', 50.0)).start()
    assert len(list(player)) == 4
    assert 0.1 < time.monotonic() - begun < 1
    assert player.rate_hz == 50.0


def test_back_to_a_pace_after_none_does_not_catch_up():
    player = Player(reel(*range(0, 1000, 50)))
    playing = player.play()
    next(playing)
    player.rate_hz = 0
    for _ in range(9):
        next(playing)
    time.sleep(0.6)
    player.rate_hz = None
    begun = time.monotonic()
    for _ in range(4):
        next(playing)
    assert 0.1 < time.monotonic() - begun < 0.5


def test_pausable_sources_are_paused_and_resumed():
    calls = []

    class Camera(Reel):
        def pause(self):
            calls.append('pause')

        def resume(self):
            calls.append('resume')

    player = Player(Camera([Picture(IMAGE, 1)], live=True))
    list(player.play())
    player.close()
    player.close()
    assert calls == ['resume', 'pause', 'pause']


def truth():
    person = PersonPose(
        keypoints=np.array([[0, 0], [63, 47]], np.float32),
        keypoint_scores=np.ones(2, np.float32), keypoint_states=np.full(2, 7, np.uint8),
        box=np.array([-0.5, -0.5, 63.5, 47.5], np.float32),
        keypoint_covariances=np.full((2, 3), 4, np.float32))
    return PoseFrame(0, 0, 'layout', 64, 48, persons=(person,))


def test_size_scales_picture_and_truth():
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, 32:] = 200
    player = Player(Reel([Picture(image, 0, truth=truth())]), size=(32, 12), start_ns=9,
                    paced=False, first_seq=4, epoch=2, frame_id='eye')
    frame = next(iter(player))
    assert frame.image.shape == (12, 32, 3)
    assert frame.image[:, 15].max() == 0
    assert frame.image[:, 16].min() == 200
    known = frame.truth
    assert (known.stamp_ns, known.frame_seq, known.epoch, known.frame_id) == (9, 4, 2, 'eye')
    assert (known.image_width, known.image_height) == (32, 12)
    person = known.persons[0]
    np.testing.assert_allclose(person.keypoints, [[-0.25, -0.375], [31.25, 11.375]])
    np.testing.assert_allclose(person.box, [-0.5, -0.5, 31.5, 11.5])
    np.testing.assert_allclose(person.keypoint_covariances, [[1, 0.5, 0.25]] * 2)


def test_without_a_size_the_picture_is_handed_over_as_it_is():
    assert next(iter(Player(reel(0), paced=False))).image is IMAGE


def test_depth_goes_with_its_frame_at_the_size_asked_for():
    depth = np.full((48, 64), 2.5, np.float32)
    depth[:, 32:] = 4.0

    def played(**options):
        reel = Reel([Picture(IMAGE, 0, depth=depth), Picture(IMAGE, 1 * MS)])
        return [frame.depth for frame in Player(reel, paced=False, **options)]

    first, second = played()
    assert first is depth
    assert second is None
    smaller = played(size=(32, 24))[0]
    assert smaller.shape == (24, 32)
    assert set(smaller.ravel()) == {2.5, 4.0}
