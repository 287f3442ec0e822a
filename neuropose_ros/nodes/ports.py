"""Inputs and outputs of a stage node: demand, and the choice between reference and message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from neuropose_ros.nodes.hub import Hub

if TYPE_CHECKING:
    from neuropose_ros.nodes.base import StageNode

T = TypeVar('T')


class Output(Generic[T]):
    """A topic that a node publishes on when somebody listens.

    Values go to local listeners by reference; a message is made only for outside subscribers.
    """

    def __init__(
        self, node: StageNode, topic: str, message_type: Any, qos: QoSProfile,
        to_message: Callable[[T], Any], *, key: Callable[[T], Hashable], hub: Hub | None = None,
    ) -> None:
        """Advertise ``topic``; the node closes it with its other ports."""
        self._node = node
        # A local listener may be sending in another node's thread while its own node closes.
        self._publishing = threading.Lock()
        self._closed = False
        self._hub = hub
        self._key = key
        self._to_message = to_message
        self._publisher: Publisher[Any] = node.create_publisher(
            message_type, topic, qos,
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self.topic: str = self._publisher.topic_name
        self.sent = 0
        self.published = 0
        node.ports.append(self)
        if hub is not None:
            hub.count_publisher(self.topic, +1)

    @property
    def outside(self) -> int:
        """How many subscribe from outside this process (or from foreign code in it)."""
        with self._publishing:
            if self._closed:
                return 0
            count = int(self._publisher.get_subscription_count())
        own = 0 if self._hub is None else self._hub.ros_subscriptions(self.topic)
        return max(count - own, 0)

    @property
    def demanded(self) -> bool:
        """Whether anybody would get what is sent."""
        return (self._hub is not None and self._hub.listeners(self.topic) > 0) or self.outside > 0

    def send(self, value: T) -> None:
        """Hand ``value`` over to whoever listens."""
        if self._hub is not None:
            self._hub.deliver(self.topic, self._key(value), value)
        if self.outside:
            message = self._to_message(value)
            with self._publishing:
                if not self._closed:
                    self._publisher.publish(message)
                    self.published += 1
        self.sent += 1

    def close(self) -> None:
        """Withdraw the topic."""
        with self._publishing:
            if self._closed:
                return
            self._closed = True
            self._node.destroy_publisher(self._publisher)
        if self._hub is not None:
            self._hub.count_publisher(self.topic, -1)


class Input(Generic[T]):
    """A topic that a node reads while it is in demand itself.

    In a process with a hub the ROS subscription exists only while somebody outside publishes.
    """

    def __init__(
        self, node: StageNode, topic: str, message_type: Any, qos: QoSProfile,
        on_message: Callable[[Any], None], *, on_value: Callable[[T], None] | None = None,
        message_key: Callable[[Any], Hashable] | None = None, hub: Hub | None = None,
        local_topic: str | None = None,
    ) -> None:
        """Prepare to read ``topic``; nothing is subscribed before `open`.

        Args:
            on_message: called with messages from outside.
            on_value: called with values from this process, in the sender's thread.
            message_key: the key of a message, as the local output makes it from the value.
            local_topic: where values of this process come, if not on ``topic`` itself.
        """
        self._node = node
        self._type = message_type
        self._qos = qos
        self._on_message = on_message
        self._on_value = on_value
        self._message_key = message_key
        self._process = hub
        self._hub = hub if on_value is not None else None
        self.topic: str = node.resolve_topic_name(topic)
        self._local = self.topic if local_topic is None else node.resolve_topic_name(local_topic)
        self._subscription: Subscription[Any] | None = None
        self._open = False
        node.ports.append(self)

    @property
    def is_open(self) -> bool:
        """Whether the node wants this input."""
        return self._open

    def want(self, wanted: bool) -> None:
        """Open or close as demand says, and follow publishers outside; call it regularly."""
        if wanted != self._open:
            self._open = wanted
            if self._hub is not None and self._on_value is not None:
                act = self._hub.listen if wanted else self._hub.leave
                act(self._local, self._on_value)
        needed = wanted and (self._hub is None or self.outside_publishers() > 0)
        if needed and self._subscription is None:
            self._subscribe()
        elif not needed and self._subscription is not None:
            self._unsubscribe()

    @property
    def subscribed(self) -> bool:
        """Whether messages come by ROS at present."""
        return self._subscription is not None

    def publishers(self) -> int:
        """Return how many publish on the topic, wherever they are."""
        return int(self._node.count_publishers(self.topic))

    def outside_publishers(self) -> int:
        """Return how many publish on the topic from outside this process."""
        own = 0 if self._process is None else self._process.publishers(self.topic)
        return max(self.publishers() - own, 0)

    def _receive(self, message: Any) -> None:
        if self._hub is not None and self._message_key is not None and (
                self._hub.was_delivered(self._local, self._message_key(message))):
            return
        self._on_message(message)

    def _subscribe(self) -> None:
        self._subscription = self._node.create_subscription(
            self._type, self.topic, self._receive, self._qos,
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        if self._hub is not None:
            self._hub.count_ros_subscription(self.topic, +1)

    def _unsubscribe(self) -> None:
        if self._subscription is None:
            return
        self._node.destroy_subscription(self._subscription)
        self._subscription = None
        if self._hub is not None:
            self._hub.count_ros_subscription(self.topic, -1)

    def close(self) -> None:
        """Stop reading."""
        self.want(False)
        self._unsubscribe()
