import numpy as np

from neuropose_ros.core.pose import PersonPose, TrackState
from neuropose_ros.pose.tracking import Tracker

S = 1_000_000_000


def person(x: float, y: float = 0.0, size: float = 100.0) -> PersonPose:
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5]], np.float32)
    points = corners * size + np.array([x, y], np.float32)
    return PersonPose(
        keypoints=points, keypoint_scores=np.ones(5, np.float32),
        keypoint_states=np.full(5, 7, np.uint8),
        box=np.array([x, y, x + size, y + size], np.float32), score=1.0)


def ids(people: tuple[PersonPose, ...]) -> list[int]:
    return [one.track_id for one in people]


def test_people_keep_their_ids_when_their_order_changes() -> None:
    tracker = Tracker()
    assert ids(tracker.update([person(0), person(300)], 0)) == [1, 2]
    assert ids(tracker.update([person(290), person(10)], S // 30)) == [2, 1]
    assert ids(tracker.update([person(20), person(280), person(600)], S // 15)) == [1, 2, 3]


def test_a_track_is_confirmed_by_its_third_frame() -> None:
    tracker = Tracker(confirm_frames=3)
    states = [tracker.update([person(i)], i * S // 30)[0].track_state for i in range(4)]
    assert states == [TrackState.TENTATIVE] * 2 + [TrackState.CONFIRMED] * 2


def test_a_person_is_remembered_for_the_memory_and_no_longer() -> None:
    tracker = Tracker(memory_s=1.0, confirm_frames=1)
    tracker.update([person(0)], 0)
    assert tracker.update([], S // 2) == ()
    assert [track.state for track in tracker.tracks] == [TrackState.LOST]
    assert ids(tracker.update([person(5)], S)) == [1]
    assert ids(tracker.update([person(5)], 2 * S + 1)) == [2]


def test_somebody_far_away_is_somebody_else() -> None:
    tracker = Tracker()
    tracker.update([person(0)], 0)
    assert ids(tracker.update([person(500)], S // 30)) == [2]


def test_unknown_joints_do_not_hide_a_person() -> None:
    tracker = Tracker()
    tracker.update([person(0)], 0)
    half = person(3)
    half.keypoints[:3] = np.nan
    assert ids(tracker.update([half], S // 30)) == [1]
    nothing = person(4)
    nothing.keypoints[:] = np.nan
    assert ids(tracker.update([nothing], S // 15)) == [1], 'the box is enough'


def test_ids_are_not_used_again_after_a_reset() -> None:
    tracker = Tracker()
    tracker.update([person(0), person(300)], 0)
    tracker.reset()
    assert tracker.tracks == ()
    assert ids(tracker.update([person(0)], 0)) == [3]
