"""The in-process hand-over."""

from neuropose_ros.nodes.hub import Hub


def test_value_reaches_listeners_by_reference_and_only_on_its_topic() -> None:
    hub = Hub()
    got: list[object] = []
    other: list[object] = []
    hub.listen('/a', got.append)
    hub.listen('/b', other.append)
    value = object()
    hub.deliver('/a', 1, value)
    assert got == [value]
    assert got[0] is value
    assert other == []


def test_what_came_by_reference_is_recognised_by_its_key() -> None:
    hub = Hub()
    hub.deliver('/a', 1, 'nobody listens')
    assert not hub.was_delivered('/a', 1)
    hub.listen('/a', lambda value: None)
    hub.deliver('/a', 2, 'x')
    assert hub.was_delivered('/a', 2)
    assert not hub.was_delivered('/b', 2)
    assert not hub.was_delivered('/a', 3)


def test_leaving_ends_delivery() -> None:
    hub = Hub()
    got: list[int] = []
    hub.listen('/a', got.append)
    assert hub.listeners('/a') == 1
    hub.leave('/a', got.append)
    hub.deliver('/a', 1, 1)
    assert got == []
    assert hub.listeners('/a') == 0


def test_own_publishers_and_subscriptions_are_counted() -> None:
    hub = Hub()
    hub.count_publisher('/a', +1)
    hub.count_ros_subscription('/a', +1)
    hub.count_ros_subscription('/a', +1)
    hub.count_ros_subscription('/a', -1)
    assert (hub.publishers('/a'), hub.ros_subscriptions('/a')) == (1, 1)
    assert (hub.publishers('/b'), hub.ros_subscriptions('/b')) == (0, 0)
