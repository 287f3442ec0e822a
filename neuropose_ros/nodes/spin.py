"""Running nodes until a signal comes, and leaving with exit code 0.

ROS launch sends SIGINT twice, process managers send SIGTERM, and both may come while a node is
still loading or already leaving. So only the first signal may interrupt anything: rclpy's own
handlers call the one installed here, and whatever happens to them this one stays below.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.nodes import dds
from neuropose_ros.nodes.base import StageNode

EXIT_BAD_INPUT = 2

# The events executor is not woken by a signal in every state; then it is seen after this time.
_LOOK_S = 0.25
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Interruption:
    """Raises KeyboardInterrupt for the first SIGINT or SIGTERM and nothing for all later ones."""

    def __init__(self) -> None:
        self.over = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self.over:
            self.over = True
            raise KeyboardInterrupt

    def install(self) -> None:
        """Take the signals over; rclpy chains to us, so call it before ``rclpy.init``."""
        for number in _SIGNALS:
            signal.signal(number, self)

    def end(self) -> None:
        """Ignore what still comes; Python's own end puts back every handler but this one."""
        self.over = True
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def create_executor() -> Executor:
    """Return the events executor where rclpy has one (a quarter of the CPU), else the usual."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    return executor


def spin(nodes: Sequence[Node]) -> None:
    """Serve the callbacks of ``nodes`` until a signal or a shutdown; the nodes live on."""
    executor = create_executor()
    try:
        for node in nodes:
            executor.add_node(node)
        while rclpy.ok():
            executor.spin_once(timeout_sec=_LOOK_S)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        executor.shutdown()


@contextlib.contextmanager
def _ros(args: Sequence[str] | None, interruption: _Interruption) -> Iterator[list[Node]]:
    """ROS with our handlers below; destroys the nodes that the caller puts into the list."""
    nodes: list[Node] = []
    try:
        rclpy.init(args=None if args is None else list(args))
        yield nodes
    finally:
        interruption.over = True
        for node in reversed(nodes):
            node.destroy_node()
        rclpy.try_shutdown()


def run(factory: Callable[[], Sequence[Node]], args: Sequence[str] | None = None) -> int:
    """Be a process of ROS nodes: set DDS defaults, build and start the nodes, spin, leave.

    Args:
        factory: makes the nodes once ROS is up; a `StageNode` is started after all are made.
        args: command line without the program's name, with ROS arguments; None = ``sys.argv``.

    Returns:
        0 after SIGINT, SIGTERM or a shutdown, whenever they come; 2 after bad input, said in one
        sentence on stderr.
    """
    interruption = _Interruption()
    interruption.install()
    try:
        setup = dds.apply_defaults()
        with _ros(args, interruption) as nodes:
            nodes.extend(factory())
            _announce(nodes, setup)
            for node in nodes:
                if isinstance(node, StageNode):
                    node.start()
            spin(nodes)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except NeuroposeError as error:
        print(f'neuropose: {error}', file=sys.stderr)
        return EXIT_BAD_INPUT
    except Exception:
        # A shutdown under the feet of a node that is being built surfaces as any of rclpy's
        # errors (invalid context, handle, publisher ...).
        if interruption.over and not rclpy.ok():
            return 0
        raise
    finally:
        interruption.end()
    return 0


def _announce(nodes: Sequence[Node], setup: dds.DdsSetup) -> None:
    if not nodes:
        return
    logger = nodes[0].get_logger()
    logger.info(setup.sentence)
    for warning in setup.warnings:
        logger.warning(warning)
