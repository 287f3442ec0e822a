"""Hand-over by reference between nodes of one process, keyed on the resolved topic name.

A publisher delivers a value to all local listeners and makes a message only for outsiders. To
know who is outside it subtracts this process's own ROS subscriptions, which exist only where
somebody outside publishes on the same topic; what then comes back by ROS is recognised by its
key and dropped, so that nothing arrives twice.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable
from typing import Any

Listener = Callable[[Any], None]


class Hub:
    """The topics of one process. Thread-safe; listeners run in the deliverer's thread."""

    def __init__(self) -> None:
        """Start without topics."""
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._publishers: Counter[str] = Counter()
        self._ros_subscriptions: Counter[str] = Counter()
        self._delivered: dict[str, deque[Hashable]] = defaultdict(lambda: deque(maxlen=64))

    def listen(self, topic: str, listener: Listener) -> None:
        """Deliver to ``listener`` from now on."""
        with self._lock:
            self._listeners[topic] = [*self._listeners[topic], listener]

    def leave(self, topic: str, listener: Listener) -> None:
        """Deliver to ``listener`` no more; no effect if it does not listen."""
        with self._lock:
            self._listeners[topic] = [
                other for other in self._listeners[topic] if other != listener]

    def listeners(self, topic: str) -> int:
        """Return how many listen in this process."""
        return len(self._listeners.get(topic, ()))

    def count_publisher(self, topic: str, change: int) -> None:
        """Note that a local ROS publisher came (+1) or went (-1)."""
        with self._lock:
            self._publishers[topic] += change

    def publishers(self, topic: str) -> int:
        """Return how many ROS publishers of this process are on the topic."""
        return self._publishers[topic]

    def count_ros_subscription(self, topic: str, change: int) -> None:
        """Note that a local ROS subscription came (+1) or went (-1)."""
        with self._lock:
            self._ros_subscriptions[topic] += change

    def ros_subscriptions(self, topic: str) -> int:
        """Return how many ROS subscriptions of this process are on the topic."""
        return self._ros_subscriptions[topic]

    def deliver(self, topic: str, key: Hashable, value: Any) -> None:
        """Hand ``value`` to every local listener."""
        with self._lock:
            listeners = self._listeners.get(topic, ())
            if listeners:
                self._delivered[topic].append(key)
        for listener in listeners:
            listener(value)

    def was_delivered(self, topic: str, key: Hashable) -> bool:
        """Whether the value with this key already went to the local listeners."""
        with self._lock:
            return key in self._delivered[topic]
