"""Play a rosbag2 recording through the graph, in the recording's own time.

    ros2 launch neuropose_ros replay.launch.py bag:=DIR
    ros2 launch neuropose_ros replay.launch.py bag:=DIR loop:=true rate:=0.5 start:=10

Recorded images are estimated and refined anew; recorded poses alone are refined anew; what people
do is told anew where there is a recogniser. What is made anew is not played. The recording starts
when somebody listens to the result.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import rclpy
import yaml
from launch import Event, LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueCoroutine,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handler import EventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.logging import get_logger

from neuropose_ros.nodes.action_parameters import wants_actions

BOOLEAN = ['true', 'false']
# What each node makes, so that it is not played as well; the first is its main result.
MADE = {
    'pose': ('poses', 'layouts', 'frame_done', 'scene', 'pose/debug_image'),
    'refinement': ('poses_refined', 'pose_feedback', 'refinement/markers'),
    'action': ('actions', 'label_sets'),
}
SETTLE_S = 1.0
LAST_MESSAGES_S = 1.0

ARGUMENTS = (
    DeclareLaunchArgument(
        'bag', description='Folder of the recording (the one with metadata.yaml)'),
    DeclareLaunchArgument(
        'namespace', default_value='',
        description='Namespace in the recording. Empty: the one that it has'),
    DeclareLaunchArgument(
        'images', default_value='auto', choices=['auto', 'raw', 'compressed', 'none'],
        description='Which recorded images to estimate anew; auto: raw, else compressed, else '
        'none; none: refine the recorded poses'),
    DeclareLaunchArgument(
        'loop', default_value='false', choices=BOOLEAN,
        description='true: start again at the end; every stage is reset each time'),
    DeclareLaunchArgument(
        'rate', default_value='1.0', description='Speed of the clock, 1.0 = as recorded'),
    DeclareLaunchArgument(
        'start', default_value='0.0', description='Seconds to skip at the beginning'),
    DeclareLaunchArgument(
        'wait', default_value='true', choices=BOOLEAN,
        description='true: start when somebody listens to what the nodes make, so that nothing '
        'is missed; false: start at once'),
    DeclareLaunchArgument(
        'composed', default_value='false', choices=BOOLEAN,
        description='true: the nodes share one process'),
    DeclareLaunchArgument('params_file', default_value='', description='Parameter file'),
    DeclareLaunchArgument(
        'recogniser', default_value='',
        description='What tells actions: as in neuropose.launch.py'),
    DeclareLaunchArgument(
        'rviz', default_value='false', choices=BOOLEAN, description='true: open RViz'),
    DeclareLaunchArgument(
        'record', default_value='false', choices=['false', 'true', 'compressed', 'raw'],
        description='true: record the new result, without images'),
    DeclareLaunchArgument(
        'record_to', default_value='', description='Folder of the new recording'),
)


class Demand(Event):
    """Somebody wants what is made from the recording."""

    name = 'neuropose_ros.Demand'


class LaunchError(RuntimeError):
    """An argument that cannot be followed; the message is one sentence for people."""


@dataclass(frozen=True)
class Plan:
    """What to play and what to make anew.

    Attributes:
        namespace: absolute, without a slash at the end; '' for the root.
        source: `topic:/name` of the images; '' when recorded poses are refined.
        nodes: of `pose`, `refinement` and `action`.
    """

    namespace: str
    source: str
    nodes: tuple[str, ...]

    @property
    def results(self) -> list[str]:
        """The main topic of each node."""
        return [f'{self.namespace}/{MADE[node][0]}' for node in self.nodes]

    @property
    def made(self) -> list[str]:
        """All topics that are made anew."""
        return [f'{self.namespace}/{topic}' for node in self.nodes for topic in MADE[node]]


def read_topics(bag: Path) -> dict[str, str]:
    """Return type by name of the topics that have messages.

    Raises:
        LaunchError: it is no recording.
    """
    path = bag / 'metadata.yaml'
    if not path.is_file():
        raise LaunchError(
            f'bag:={str(bag)!r} has no metadata.yaml: give the folder of a rosbag2 recording; '
            'after a crash `ros2 bag reindex` makes the file')
    try:
        entries = yaml.safe_load(path.read_text(encoding='utf-8'))[
            'rosbag2_bagfile_information']['topics_with_message_count']
        return {entry['topic_metadata']['name']: entry['topic_metadata']['type']
                for entry in entries if entry['message_count']}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise LaunchError(f'{path} is not the metadata of a rosbag2 recording: '
                          f'{type(error).__name__} {error}') from None


def make_plan(
    topics: dict[str, str], images: str, namespace: str, *, actions: bool,
) -> Plan:
    """Decide from the recorded topics what is played and what is made anew.

    Raises:
        LaunchError: there is nothing to work on, or it is not clear on what.
    """
    kinds = {'raw': '/image_raw', 'compressed': '/image_raw/compressed', 'none': '/poses'}
    wanted = list(kinds) if images == 'auto' else [images]
    last = ('action',) if actions else ()
    for kind in wanted:
        spaces = sorted(name[:-len(kinds[kind])] for name in topics if name.endswith(kinds[kind])
                        and not name.endswith(f'/depth{kinds[kind]}'))
        if namespace:
            spaces = [space for space in spaces if space == '/' + namespace.strip('/')]
        if len(spaces) > 1:
            raise LaunchError(
                'the recording has several namespaces, choose one: '
                + ', '.join(f'namespace:={space or "/"}' for space in spaces))
        if spaces:
            if kind == 'none':
                return Plan(spaces[0], '', ('refinement', *last))
            return Plan(spaces[0], f'topic:{spaces[0]}{kinds[kind]}',
                        ('pose', 'refinement', *last))
    names = ', '.join(kinds[kind][1:] for kind in wanted)
    raise LaunchError(
        f'the recording has no {names}{f" in {namespace}" if namespace else ""}; it has '
        + (', '.join(sorted(topics)) or 'no messages at all'))


def positive(name: str, text: str, *, zero: bool) -> str:
    """Check a number."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (number >= 0 if zero else number > 0) or number == float('inf'):
        raise LaunchError(f'{name}:={text!r} must be a number {">=" if zero else ">"} 0')
    return text


def player(left_out: list[str], arguments: dict[str, str]) -> ExecuteProcess:
    """`ros2 bag play` with the recording's clock."""
    command = ['ros2', 'bag', 'play', arguments['bag'], '--clock', '100',
               '--disable-keyboard-controls',
               '--rate', positive('rate', arguments['rate'], zero=False),
               '--start-offset', positive('start', arguments['start'], zero=True)]
    if arguments['loop'] == 'true':
        command += ['--loop']
    if left_out:
        command += ['--exclude-topics', *left_out]
    return ExecuteProcess(cmd=command, name='player', output='screen')


async def wait_for_demand(context: LaunchContext, plan: Plan) -> None:
    """Emit `Demand` when the nodes are ready and somebody wants what they make."""
    # A context of its own takes no signals, and launch takes a cancelled task for a failure.
    ros = rclpy.Context()
    rclpy.init(args=[], context=ros)
    node = rclpy.create_node('replay', context=ros)
    try:
        while not (all(map(node.count_publishers, plan.results))
                   and any(map(node.count_subscribers, plan.made))):
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        await context.emit_event(Demand())
    except asyncio.CancelledError:
        pass
    finally:
        node.destroy_node()
        rclpy.shutdown(context=ros)


def compose(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Turn the arguments into actions."""
    arguments = {argument.name: context.launch_configurations[argument.name].strip()
                 for argument in ARGUMENTS}
    bag = Path(arguments['bag']).expanduser()
    arguments['bag'] = str(bag)
    topics = read_topics(bag)
    actions = wants_actions(arguments['recogniser'], get_logger('replay').info)
    plan = make_plan(topics, arguments['images'], arguments['namespace'], actions=actions)
    play = player([topic for topic in plan.made if topic in topics], arguments)
    passed_on = {name: arguments[name] for name in (
        'params_file', 'recogniser', 'rviz', 'record', 'record_to', 'composed')}
    graph = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('neuropose.launch.py'))),
        launch_arguments={
            **passed_on, 'namespace': plan.namespace, 'source': plan.source,
            'nodes': ' '.join(plan.nodes), 'use_sim_time': 'true', 'static_tf': '', 'remap': '',
            'autostart': 'true',
        }.items())

    def on_end(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        if event.returncode != 0:
            raise LaunchError(f'the player ended with exit code {event.returncode}: its own '
                              'message above says why')
        end = EmitEvent(event=Shutdown(reason='the recording has ended'))
        return [TimerAction(period=LAST_MESSAGES_S, actions=[end])]

    topic = plan.source.removeprefix('topic:') or f'{plan.namespace}/poses'
    what = f'replay: {"estimating from" if plan.source else "refining"} {topic}'
    on_exit = RegisterEventHandler(OnProcessExit(target_action=play, on_exit=on_end))
    # The include first: it sets the environment that the player needs too.
    if arguments['wait'] == 'false':
        return [LogInfo(msg=what), graph, on_exit, play]
    on_demand = RegisterEventHandler(EventHandler(
        matcher=lambda event: isinstance(event, Demand), entities=[play]))
    return [LogInfo(msg=f'{what}, as soon as somebody listens'), graph, on_exit, on_demand,
            OpaqueCoroutine(coroutine=wait_for_demand, args=[plan])]


def generate_launch_description() -> LaunchDescription:
    """Describe arguments, player and nodes."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=compose)])
