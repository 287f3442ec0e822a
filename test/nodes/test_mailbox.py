"""Newest item wins, or every item waits its turn."""

import threading
import time

from neuropose_ros.nodes.mailbox import Mailbox


def test_newest_replaces_what_waits_and_counts_it() -> None:
    box: Mailbox[int] = Mailbox()
    for item in (1, 2, 3):
        box.put_newest(item)
    assert box.get(0) == 3
    assert box.get(0) is None
    assert box.replaced == 2


def test_waiting_items_keep_their_order_and_a_full_queue_refuses() -> None:
    box: Mailbox[int] = Mailbox(queue_length=2)
    assert box.put_waiting(1, 0)
    assert box.put_waiting(2, 0)
    assert not box.put_waiting(3, 0)
    assert [box.get(0), box.get(0)] == [1, 2]


def test_a_waiting_putter_goes_on_when_there_is_room() -> None:
    box: Mailbox[int] = Mailbox(queue_length=1)
    box.put_waiting(1, 0)
    done = threading.Event()

    def put() -> None:
        if box.put_waiting(2, 5.0):
            done.set()

    thread = threading.Thread(target=put)
    thread.start()
    assert not done.wait(0.05)
    assert box.get(0) == 1
    assert done.wait(1.0)
    thread.join()
    assert box.get(0) == 2


def test_closing_wakes_both_sides() -> None:
    box: Mailbox[int] = Mailbox(queue_length=1)
    box.put_waiting(1, 0)
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(box.put_waiting(2, 30.0))),
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    box.close()
    for thread in threads:
        thread.join(timeout=1.0)
        assert not thread.is_alive()
    assert results == [False]
    assert box.get(30.0) is None
    assert box.closed
