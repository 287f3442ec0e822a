"""Flow control between a waiting camera and its consumer."""

import threading

from neuropose_ros.nodes.credits import Credits


def test_the_sender_stops_at_the_window_and_goes_on_with_an_acknowledgement() -> None:
    credits = Credits(window=2, patience_s=5.0)
    for seq in (0, 1):
        assert credits.wait()
        credits.sent(seq)
    passed = threading.Event()
    thread = threading.Thread(target=lambda: credits.wait() and passed.set())
    thread.start()
    assert not passed.wait(0.05)
    credits.done(0)
    assert passed.wait(1.0)
    thread.join()
    assert credits.given_up == 0


def test_a_lost_frame_is_given_up_and_counted() -> None:
    credits = Credits(window=1, patience_s=0.01)
    credits.sent(0)
    assert not credits.wait()
    assert credits.given_up == 1
    assert credits.wait()


def test_large_frames_narrow_the_window() -> None:
    credits = Credits(window=3, patience_s=0.01)
    credits.sent(0, 1920 * 1080 * 3)
    assert credits.wait()
    credits.sent(1, 1920 * 1080 * 3)
    assert not credits.wait()


def test_an_acknowledgement_covers_all_before_it() -> None:
    credits = Credits(window=1, patience_s=0.01)
    credits.sent(0)
    credits.sent(1)
    credits.done(1)
    assert credits.wait()
    assert credits.given_up == 0
