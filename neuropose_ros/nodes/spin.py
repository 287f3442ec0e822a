"""Running nodes until a signal comes, and leaving with exit code 0.

ROS launch sends SIGINT twice, process managers send SIGTERM, and both may come while a node is
still loading or already leaving. rclpy's own handlers lose some of them (a node without a timer
sleeps on) and give others to Python's default, so these two signals are handled here alone.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.nodes import dds
from neuropose_ros.nodes.base import StageNode

EXIT_BAD_INPUT = 2

# Nothing wakes the executor when a signal comes: this is the longest it takes to be seen.
_LOOK_S = 0.2
# Loading may take this long after the first signal; launch waits for 5 s.
_PATIENCE_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Interruption(KeyboardInterrupt):
    """What a signal raises.

    Not KeyboardInterrupt itself: a process in which that has once passed through ``exec`` (as
    dataclasses use it) ends killed by SIGINT, even when it was caught and the exit code is 0.
    """


class _Signals:
    """SIGINT and SIGTERM are noted; only what goes on loading for long is interrupted.

    An interruption in the middle of an import or a constructor comes out as any error, with a
    log that blames the innocent; most of what loads is done in a moment anyway.
    """

    def __init__(self) -> None:
        self.taken = False
        self._loading = True

    def install(self) -> None:
        """Take the signals over."""
        sys.unraisablehook = _not_of_interruptions(sys.unraisablehook)
        signal.signal(signal.SIGALRM, self._interrupt)
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._loading and not self.taken:
            # Again and again: a destructor swallows one that happens to come up in it.
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S, _PATIENCE_S)
        self.taken = True

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._loading:
            raise _Interruption

    def loaded(self) -> None:
        """Interrupt nothing from now on."""
        self._loading = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)

    def ignore(self) -> None:
        """Let the rest of the process be undisturbed; Python's own end resets Python handlers."""
        self.loaded()
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _not_of_interruptions(
    hook: Callable[[sys.UnraisableHookArgs], object],
) -> Callable[[sys.UnraisableHookArgs], object]:
    """Say nothing of one that came up inside a destructor: it is noted all the same."""
    return lambda args: None if args.exc_type is _Interruption else hook(args)


def create_executor() -> Executor:
    """Return the events executor where rclpy has one (a quarter of the CPU), else the usual."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    return executor


def spin(nodes: Sequence[Node], stop: Callable[[], bool] = lambda: False) -> None:
    """Serve the callbacks of ``nodes`` until ``stop()`` or a shutdown; the nodes live on."""
    executor = create_executor()
    try:
        for node in nodes:
            executor.add_node(node)
        while rclpy.ok() and not stop():
            executor.spin_once(timeout_sec=_LOOK_S)
    except ExternalShutdownException:
        pass
    finally:
        executor.shutdown()


def run(
    factory: Callable[[], Sequence[Node]], args: Sequence[str] | None = None, *,
    setup: Callable[[], dds.DdsSetup] = dds.apply_defaults,
) -> int:
    """Be a process of ROS nodes: set DDS defaults, build and start the nodes, spin, leave.

    Args:
        factory: makes the nodes once ROS is up; a `StageNode` is started after all are made.
        args: command line without the program's name, with ROS arguments; None = ``sys.argv``.
        setup: sets middleware and allocator up and says how.

    Returns:
        0 after SIGINT, SIGTERM or a shutdown, whenever they come; 2 after bad input, said in one
        sentence on stderr.
    """
    signals = _Signals()
    signals.install()
    nodes: list[Node] = []
    try:
        try:
            _build(nodes, factory, args, setup)
        except (_Interruption, Exception):
            # What an interrupted import or constructor makes of it may be any error.
            if not signals.taken:
                raise
        signals.loaded()
        if not signals.taken:
            # Models, modules and tables stay for good: no collection looks through them again.
            # (`__main__` turned collections off, so that loading went without them.)
            gc.enable()
            gc.collect()
            gc.freeze()
            spin(nodes, lambda: signals.taken)
    except NeuroposeError as error:
        print(f'neuropose: {error}', file=sys.stderr)
        return EXIT_BAD_INPUT
    finally:
        signals.ignore()
        for node in reversed(nodes):
            node.destroy_node()
        rclpy.try_shutdown()
        # Frozen, they would keep the middleware alive, and it its shared memory after the end.
        nodes.clear()
        gc.unfreeze()
        gc.collect()
    return 0


def _build(
    nodes: list[Node], factory: Callable[[], Sequence[Node]], args: Sequence[str] | None,
    setup: Callable[[], dds.DdsSetup],
) -> None:
    state = setup()
    try:
        rclpy.init(
            args=None if args is None else list(args),
            signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # RCLError, which rclpy does not export
        raise ParameterError(f'ROS does not start: {error}') from None
    nodes.extend(factory())
    _announce(nodes, state)
    for node in nodes:
        if isinstance(node, StageNode):
            node.start()


def _announce(nodes: Sequence[Node], state: dds.DdsSetup) -> None:
    if not nodes:
        return
    logger = nodes[0].get_logger()
    logger.info(state.sentence)
    for warning in state.warnings:
        logger.warning(warning)
