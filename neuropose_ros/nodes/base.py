"""What all our nodes share: parameters, lifecycle, demand, diagnostics and latched layouts."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
import traceback
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleState, Node, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos_overriding_options import QoSOverridingOptions

from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.parameters import ParameterSpec, check_change, declare, values
from neuropose_ros.nodes.rates import RateMeter

if TYPE_CHECKING:
    from neuropose_ros.nodes.ports import Input, Output

RCLError = rclpy_implementation.RCLError
InvalidHandle = rclpy_implementation.InvalidHandle

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

AUTOSTART = ParameterSpec(
    'autostart', True,
    'Configure and activate at start; false leaves that to a lifecycle manager.')

_POLL_S = 0.1
_RECENT_S = 5.0
_RESTART_LOG_S = 10.0
_NUMBERS = re.compile(r'\d+')
_MOST_SAID = 100


class StageNode(Node):
    """A lifecycle node around one stage.

    A subclass gives `PARAMETERS`, `setup`, `teardown`, `demanded`, `follow_demand` and `health`.
    """

    PARAMETERS: ClassVar[tuple[ParameterSpec, ...]] = ()

    def __init__(
        self, name: str, *, hub: Hub | None = None, overrides: Sequence[Parameter[Any]] = (),
        cli_args: Sequence[str] = (),
    ) -> None:
        """Declare parameters; nothing is opened before `on_configure`.

        Raises:
            ParameterError: a parameter given at the start is not valid.
        """
        super().__init__(name, parameter_overrides=list(overrides), cli_args=list(cli_args))
        self.hub = hub
        self._specs = {spec.name: spec for spec in (AUTOSTART, *self.PARAMETERS)}
        self.configured = False
        self.active = False
        self.failure = ''
        self._twins = 0
        self._said: set[str] = set()
        self._saying = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}
        self.ports: list[Input[Any] | Output[Any]] = []
        try:
            declare(self, self._specs.values())
        except ParameterError:
            self.destroy_node()
            raise
        self.settings: dict[str, Any] = values(self, self._specs.values())
        self.add_on_set_parameters_callback(self._on_parameters)
        self.add_post_set_parameters_callback(self._after_parameters)
        self._diagnostics = self.create_publisher(
            DiagnosticArray, '/diagnostics', qos.reliable(10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._demand_timer = self.create_timer(_POLL_S, self._poll, clock=self._steady())
        self._diagnostic_timer = self.create_timer(1.0, self._diagnose, clock=self._steady())

    @staticmethod
    def _steady() -> Any:
        from rclpy.clock import Clock, ClockType

        # Demand and health must be looked at while simulated time stands still, too.
        return Clock(clock_type=ClockType.STEADY_TIME)

    # -- what a subclass gives ---------------------------------------------------------------

    @abstractmethod
    def setup(self) -> None:
        """Load and open what the node needs.

        Raises:
            NeuroposeError: it cannot; the transition fails with the reason.
        """

    @abstractmethod
    def teardown(self) -> None:
        """Give back all but the ports; also after a `setup` that failed half way."""

    @abstractmethod
    def demanded(self) -> bool:
        """Whether somebody wants what this node makes."""

    @abstractmethod
    def follow_demand(self, wanted: bool) -> None:
        """Open or close inputs; called at 10 Hz while configured."""

    @abstractmethod
    def health(self) -> tuple[bytes, str, dict[str, str]]:
        """Return level, one sentence, and details for /diagnostics."""

    def apply_live(self, changed: dict[str, Any]) -> None:
        """Take over live parameters; `settings` holds the new values already."""

    # -- lifecycle ---------------------------------------------------------------------------

    def start(self) -> None:
        """Configure and activate, if the autostart parameter says so.

        Raises:
            NeuroposeError: it cannot be configured.
        """
        if not self.settings['autostart']:
            return
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            raise NeuroposeError(f'{self.get_fully_qualified_name()}: {self.failure}')
        self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Set up; a reason that people can act on is logged and kept for /diagnostics."""
        self.settings = values(self, self._specs.values())
        try:
            self.setup()
        except NeuroposeError as error:
            return self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it without a word
            self.get_logger().error(traceback.format_exc())
            return self._refuse(f'{type(error).__name__}: {error}')
        self.failure = ''
        self.configured = True
        return super().on_configure(state)

    def _refuse(self, reason: str) -> TransitionCallbackReturn:
        self.failure = reason
        self.get_logger().error(f'cannot configure: {reason}')
        self.teardown()
        self._close_ports()
        return TransitionCallbackReturn.FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to follow demand."""
        self.active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working, keep what is loaded."""
        self.active = False
        self.follow_demand(False)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back."""
        self._release()
        return super().on_shutdown(state)

    def _release(self) -> None:
        was_configured, self.configured, self.active = self.configured, False, False
        if was_configured:
            self.follow_demand(False)
            self.teardown()
            self._close_ports()

    def _close_ports(self) -> None:
        while self.ports:
            self.ports.pop().close()

    def destroy_node(self) -> None:
        """Give everything back and leave the graph."""
        self._release()
        super().destroy_node()

    # -- parameters --------------------------------------------------------------------------

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse values that contradict each other.

        Raises:
            ParameterError: they do.
        """

    def _on_parameters(self, changes: list[Parameter[Any]]) -> Any:
        result = check_change(self._specs, changes, configured=self.configured)
        changed = {change.name: change.value for change in changes if change.name in self._specs}
        # QoS overrides are declared as parameters, too, and say nothing of these values.
        if result.successful and changed:
            try:
                self.check({**self.settings, **changed})
            except ParameterError as error:
                result.successful, result.reason = False, str(error)
        return result

    def _after_parameters(self, changes: list[Parameter[Any]]) -> None:
        changed = {change.name: change.value for change in changes if change.name in self._specs}
        self.settings.update(changed)
        if changed and self.configured:
            self.apply_live(changed)

    # -- demand and diagnostics --------------------------------------------------------------

    def _poll(self) -> None:
        if not self.configured or self.failure:
            return
        try:
            self.follow_demand(self.active and self.demanded())
        except Exception as error:  # noqa: BLE001 - as a QoS override that rclpy refuses
            self.fail(f'cannot follow demand: {error}')

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Start a thread; ROS may be shut down under its feet, which ends it quietly."""
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a dead thread must not look idle
                if self.context.ok() or not isinstance(error, RCLError | InvalidHandle):
                    self.fail(f'{name} ended: {type(error).__name__}: {error}')

        started = threading.Thread(target=guarded, name=name, daemon=True)
        started.start()
        return started

    def fail(self, reason: str) -> None:
        """Say why the node does not work any more; /diagnostics repeats it until configured."""
        self.failure = reason
        self.get_logger().error(f'{reason}\n{traceback.format_exc()}')

    def rising(self, name: str, count: int) -> bool:
        """Whether a counter went up in the last 5 s, seen at the rate of /diagnostics."""
        before, since_s = self._counts.get(name, (0, -math.inf))
        now_s = time.monotonic()
        if count > before:
            since_s = now_s
        elif count < before:  # what counts was made anew
            since_s = -math.inf
        self._counts[name] = (count, since_s)
        return now_s - since_s < _RECENT_S

    def beside(self, topic: str, image: str) -> str:
        """Return ``topic`` in the folder of the image topic, unless it is remapped itself."""
        resolved: str = self.resolve_topic_name(topic)
        if resolved != self.resolve_topic_name(topic, only_expand=True):
            return resolved
        return f'{image.rpartition("/")[0]}/{topic}'

    def say_once(self, key: str, sentence: str) -> None:
        """Log a warning the first time that ``key`` comes up; at most so many different ones."""
        with self._saying:  # threads of the node and of its neighbours come here
            is_new = key not in self._said and len(self._said) < _MOST_SAID
            if is_new:
                self._said.add(key)
        if is_new:
            self.get_logger().warning(sentence)

    def say_problem_once(self, problem: str, sentence: str) -> None:
        """Log a warning the first time that a problem comes up, whatever numbers are in it.

        Broken images differ by their bytes: a bad line must fill neither the log nor the memory.
        """
        self.say_once(_NUMBERS.sub('', problem), sentence)

    def say_restarted(self, forgotten: str) -> None:
        """Log that time or epoch began anew; a source that jumps all the time fills no log.

        /diagnostics counts them all.
        """
        self.get_logger().info(
            f'time or epoch began anew: {forgotten}', throttle_duration_sec=_RESTART_LOG_S)

    def _diagnose(self) -> None:
        level, sentence, details = self._judge()
        status = DiagnosticStatus(
            level=level, name=self.get_fully_qualified_name(), message=sentence,
            hardware_id=self.get_fully_qualified_name(),
            values=[KeyValue(key=key, value=value) for key, value in details.items()])
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _judge(self) -> tuple[bytes, str, dict[str, str]]:
        own = (self.get_name(), self.get_namespace())
        self._twins = self.get_node_names_and_namespaces().count(own) - 1
        if self._twins > 0:
            sentence = (f'{self._twins} other node(s) are also called '
                        f'{self.get_fully_qualified_name()}: give each its own name or namespace')
            self.say_once(f'twins{self._twins}', sentence)
            return ERROR, sentence, {}
        if self.failure:
            return ERROR, self.failure, {}
        if not self.configured:
            return WARN, 'not configured', {}
        if not self.active:
            return OK, 'inactive', {}
        return self.health()


def judge_rate(
    meter: RateMeter, expected_hz: float, *, wanted: bool,
) -> tuple[bytes, str]:
    """Compare the received with the declared rate; 0 expected = not declared."""
    rate_hz = meter.rate_hz()
    if not wanted:
        return OK, 'idle: nobody listens'
    if rate_hz == 0.0:
        return WARN, 'in demand, but nothing arrives'
    if expected_hz and rate_hz < 0.9 * expected_hz:
        return WARN, f'{rate_hz:.1f} Hz arrive of {expected_hz:g} Hz declared'
    return OK, f'{rate_hz:.1f} Hz'


class LogBridge(logging.Handler):
    """Passes what a floor below says through Python's logging on to the node's logger."""

    def __init__(self, node: StageNode, below: str) -> None:
        """Listen to the logger ``below`` and its children."""
        super().__init__(logging.INFO)
        self._ros = node.get_logger()
        self._below = logging.getLogger(below)
        self._below.addHandler(self)
        self._below.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Log with ROS, so that it is on /rosout too."""
        if record.levelno >= logging.ERROR:
            self._ros.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._ros.warning(record.getMessage())
        else:
            self._ros.info(record.getMessage())

    def close(self) -> None:
        """Listen no more."""
        self._below.removeHandler(self)
        self._below.propagate = True
        super().close()


class Repeater:
    """Publishes latched messages at once and again at 0.2 Hz.

    A bag played with an offset skips latched messages; the repetition brings them back.
    """

    def __init__(
        self, node: StageNode, topic: str, message_type: Any, messages: Callable[[], list[Any]],
    ) -> None:
        """Publish now and regularly."""
        self._node = node
        self._messages = messages
        self._publisher = node.create_publisher(
            message_type, topic, qos.latched(),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._timer = node.create_timer(5.0, self._publish, clock=node._steady())
        self._publish()

    def _publish(self) -> None:
        for message in self._messages():
            self._publisher.publish(message)

    def close(self) -> None:
        """Withdraw."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)
