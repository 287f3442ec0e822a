"""Camera, pose, refinement and action nodes, as processes of their own or composed in one.

    ros2 launch neuropose_ros neuropose.launch.py source:=synthetic
    ros2 launch neuropose_ros neuropose.launch.py --show-args
"""

import os
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.logging import get_logger
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.nodes import dds
from neuropose_ros.nodes.action_parameters import NONE, needed_scene_model, wants_actions

PACKAGE = 'neuropose_ros'
ACTION = 'action'
STAGES = ('camera', 'pose', 'refinement', ACTION)
TOPIC = 'topic:'
BOOLEAN = ['true', 'false']
BAGS = ('true', 'compressed', 'raw')
PICTURES = {
    'raw': ['sensor_msgs/msg/Image'],
    'compressed': [
        'sensor_msgs/msg/CompressedImage',
        'theora_image_transport/msg/Packet',
        'ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
    ],
}

ARGUMENTS = (
    DeclareLaunchArgument(
        'source', default_value='',
        description='What to look at: a camera (0, /dev/video0), a video file, a folder of '
        'pictures, a url (http, https, rtsp), synthetic or synthetic:SCENE, or topic:/NAME for '
        'images that are already published (raw, or compressed when the name ends in '
        '/compressed; then no camera node runs). Empty: the parameter file says'),
    DeclareLaunchArgument(
        'model', default_value='',
        description='Pose model, a name of `neuropose models list`. Empty: the parameter file '
        'says'),
    DeclareLaunchArgument(
        'detector', default_value='',
        description='Person detector, for several people; a name of the same list. Empty: the '
        'parameter file says'),
    DeclareLaunchArgument(
        'recogniser', default_value='',
        description='What tells actions: a folder that `neuropose export` wrote, the name of a '
        'deployed one, or none. Empty: the parameter file says, else the one that comes with the '
        'package; there is no action node where there is none'),
    DeclareLaunchArgument(
        'nodes', default_value='',
        description='Which nodes run here, of: camera pose refinement action. The others may run '
        'on another machine. Empty: all that have something to do'),
    DeclareLaunchArgument(
        'composed', default_value='false', choices=BOOLEAN,
        description='true: the nodes share one process and hand images over without copying; '
        'false: one process for each'),
    DeclareLaunchArgument(
        'adapter', default_value='', choices=['', 'humans', 'vision_msgs', 'yolo_msgs'],
        description='Publish people as messages of others as well: humans (REP-155, '
        '/humans/bodies), vision_msgs or yolo_msgs (adapter/detections)'),
    DeclareLaunchArgument(
        'namespace', default_value='',
        description='Namespace of all nodes and topics, for several cameras or robots'),
    DeclareLaunchArgument(
        'params_file', default_value='',
        description='Parameter file; start from config/neuropose.yaml. Launch arguments win '
        'over it'),
    DeclareLaunchArgument(
        'frame_id', default_value='',
        description='tf frame of the camera (optical: z forward, x right). Empty: the parameter '
        'file says'),
    DeclareLaunchArgument(
        'static_tf', default_value='',
        description="Where the camera stands: 'x y z qx qy qz qw parent child' in metres, child "
        'being the frame_id of the camera. Needs tf2_ros'),
    DeclareLaunchArgument(
        'remap', default_value='',
        description="Remappings for all nodes, 'from:=to from:=to'"),
    DeclareLaunchArgument(
        'autostart', default_value='true', choices=BOOLEAN,
        description='false: leave configuring and activating to a lifecycle manager'),
    DeclareLaunchArgument(
        'use_sim_time', default_value='false', choices=BOOLEAN,
        description='true: take the time from /clock'),
    DeclareLaunchArgument(
        'log_level', default_value='info', choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='Least severity that the nodes log'),
    DeclareLaunchArgument(
        'rviz', default_value='false', choices=BOOLEAN,
        description='true: open RViz with the skeletons and the image'),
    DeclareLaunchArgument(
        'record', default_value='false',
        description='A folder with a / in it, as ./walk: record a session there, see '
        'docs/recording.md. true: record every topic but images with rosbag2 (MCAP); compressed, '
        'raw: these images as well'),
    DeclareLaunchArgument(
        'record_to', default_value='',
        description='Folder of the recording, which must not exist yet. Empty: a new one here, '
        'named after the time'),
    DeclareLaunchArgument(
        'lan', default_value='false', choices=BOOLEAN,
        description='true: be visible to other machines, with the middleware profile for several '
        'hosts; false: as your environment says, else this machine only'),
)


_LOGGER = get_logger('neuropose')


class LaunchError(RuntimeError):
    """An argument that cannot be followed; the message is one sentence for people."""


@dataclass(frozen=True)
class Options:
    """The launch arguments, checked."""

    source: str
    model: str
    detector: str
    recogniser: str
    nodes: tuple[str, ...]
    composed: bool
    adapter: str
    namespace: str
    params_file: str
    frame_id: str
    static_tf: tuple[str, ...]
    remap: tuple[tuple[str, str], ...]
    autostart: bool
    use_sim_time: bool
    log_level: str
    rviz: bool
    record: str
    record_to: str
    lan: bool


def read_options(context: LaunchContext) -> Options:
    """Check the launch arguments.

    Raises:
        LaunchError: one cannot be followed.
    """
    text = {argument.name: context.launch_configurations[argument.name].strip()
            for argument in ARGUMENTS}
    flag = {name: text[name] == 'true'
            for name in ('composed', 'autostart', 'use_sim_time', 'rviz', 'lan')}
    nodes = parse_nodes(text['nodes'], text['recogniser'])
    if text['source'].startswith(TOPIC):
        parse_topic(text['source'])
        nodes = tuple(name for name in nodes if name != 'camera')
    check_nodes(nodes, text['source'], flag['composed'])
    namespace = make_namespace_absolute(prefix_namespace(
        context.launch_configurations.get('ros_namespace'), text['namespace'] or None)) or '/'
    return Options(
        source=text['source'], model=text['model'], detector=text['detector'],
        recogniser=text['recogniser'], nodes=nodes, adapter=text['adapter'], namespace=namespace,
        params_file=parse_params_file(text['params_file']), frame_id=text['frame_id'],
        static_tf=parse_static_tf(text['static_tf']), remap=parse_remap(text['remap']),
        log_level=text['log_level'], record=parse_record(text['record']),
        record_to=text['record_to'], **flag)


def parse_nodes(text: str, recogniser: str) -> tuple[str, ...]:
    """Split a list of node names; an empty one means all."""
    if not text:
        return STAGES if wants_actions(recogniser, _LOGGER.info) else STAGES[:-1]
    names = text.replace(',', ' ').split()
    if not names or any(name not in STAGES for name in names):
        raise LaunchError(
            f'nodes:={text!r} must name at least one of {", ".join(STAGES)}, and nothing else')
    if ACTION in names and recogniser == NONE:
        raise LaunchError(f'nodes:={text!r} with recogniser:=none leaves the action node nothing '
                          'to do')
    return tuple(name for name in STAGES if name in names)


def check_nodes(nodes: tuple[str, ...], source: str, composed: bool) -> None:
    """Refuse a choice of nodes that cannot be followed."""
    if not nodes:
        raise LaunchError(f'source:={source!r} with nodes:=camera leaves no node to run')
    needed = STAGES[1:-1] if source.startswith(TOPIC) else STAGES[:-1]
    if composed and tuple(name for name in nodes if name != ACTION) != needed:
        raise LaunchError('composed:=true runs all nodes: choose nodes:= without it')


def parse_topic(source: str) -> tuple[str, str]:
    """Return the base topic of ``topic:/name`` and its transport, raw or compressed."""
    topic = source.removeprefix(TOPIC)
    base = topic.removesuffix('/compressed')
    if not base.strip('/') or any(not (c.isalnum() or c in '_/') for c in base):
        raise LaunchError(
            f'source:={source!r} names no topic: write topic:/camera/image_raw or '
            'topic:/camera/image_raw/compressed')
    return base, 'compressed' if topic.endswith('/compressed') else 'raw'


def parse_params_file(text: str) -> str:
    """Return the absolute path of the parameter file, or nothing."""
    if not text:
        return ''
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise LaunchError(f'params_file:={text!r} is not a file')
    return str(path)


def parse_record(text: str) -> str:
    """Return what to record with rosbag2, or the absolute path of a session."""
    if text in {'false', *BAGS}:
        return text
    if '/' not in text or not Path(text).name:
        raise LaunchError(
            f"record:={text!r} must be false, {', '.join(BAGS)}, or a folder for a session with a "
            '/ in it, as ./walk')
    return str(Path(text).expanduser().absolute())


def parse_remap(text: str) -> tuple[tuple[str, str], ...]:
    """Split ``from:=to from:=to``."""
    rules = [tuple(rule.split(':=')) for rule in text.split()]
    if any(len(rule) != 2 or not all(rule) for rule in rules):
        raise LaunchError(f"remap:={text!r} must read 'from:=to from:=to'")
    return tuple((rule[0], rule[1]) for rule in rules)


def parse_static_tf(text: str) -> tuple[str, ...]:
    """Split ``x y z qx qy qz qw parent child``."""
    fields = tuple(shlex.split(text))
    try:
        if fields:
            numbers, names = [float(field) for field in fields[:7]], fields[7:]
            norm = sum(number ** 2 for number in numbers[3:])
            if len(names) != 2 or not 0.98 < norm < 1.02:
                raise ValueError
    except ValueError:
        raise LaunchError(
            f"static_tf:={text!r} must read 'x y z qx qy qz qw parent child' with a quaternion "
            'of length 1') from None
    return fields


def environment(options: Options, present: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """Middleware and allocator settings for every process started from here on."""
    return [SetEnvironmentVariable(name, value)
            for name, value in dds.environment(lan=options.lan, present=present).items()]


def stages(options: Options) -> list[ExecuteProcess]:
    """The chosen nodes of this package."""
    parameters: dict[str, object] = {
        'use_sim_time': options.use_sim_time, 'autostart': options.autostart}
    remaps = list(options.remap)
    arguments = []
    if options.source.startswith(TOPIC):
        base, parameters['image_transport'] = parse_topic(options.source)
        remaps += topic_remaps(base)
        arguments = ['--source', options.source]
    elif options.source:
        parameters['source'] = ParameterValue(options.source, value_type=str)
    for name in ('frame_id', 'model', 'detector', 'recogniser'):
        if value := getattr(options, name):
            parameters[name] = ParameterValue(value, value_type=str)
    common = {
        'package': PACKAGE, 'namespace': options.namespace, 'output': 'screen',
        'remappings': remaps,
        'parameters': [*scene(options), *([options.params_file] if options.params_file else []),
                       parameters],
        'ros_arguments': ['--log-level', options.log_level],
    }
    if options.composed and ACTION not in options.nodes:
        parameters['recogniser'] = NONE
    adapters = []
    if options.adapter:
        parameters['to'] = options.adapter
        adapters = [Node(executable='adapter', name='adapter', **common)]
    session = '' if options.record in {'false', *BAGS} else options.record
    if options.composed:
        # No name: it would rename every node of the process.
        arguments += ['--record', session] if session else []
        return [Node(executable='composed', arguments=arguments, **common), *adapters]
    recorders = [Node(executable='recorder', name='recorder', **recording(session, common))
                 ] if session else []
    nodes = [Node(executable=name, name=name, **common) for name in options.nodes]
    return [*recorders, *nodes, *adapters]


def recording(session: str, common: dict[str, object]) -> dict[str, object]:
    """Return what the recorder node is started with: what all are, and where to record to."""
    where = {name: ParameterValue(value, value_type=str) for name, value in (
        ('folder', str(Path(session).parent)), ('session', Path(session).name))}
    return {**common, 'parameters': [*common['parameters'], {'recording': True, **where}]}


def scene(options: Options) -> list[dict[str, object]]:
    """Let the pose node encode what the recogniser reads, unless the parameter file says what."""
    if options.composed or not {'pose', ACTION} <= set(options.nodes):
        return []  # one process sees to it itself; an action node elsewhere says what it needs
    try:
        model = needed_scene_model({'recogniser': options.recogniser, 'use_scene': True})
    except ModelError:
        return []  # the parameter file may name another one, else the action node says why not
    return [{'scene_model': ParameterValue(model, value_type=str)}] if model else []


def topic_remaps(base: str) -> list[tuple[str, str]]:
    """Remappings that read images from ``base`` and what our own camera node has beside them."""
    folder, slash, _ = base.rpartition('/')
    beside = [(name, folder + slash + name) for name in ('frame_info', 'frame_done') if slash]
    return [('image_raw', base), *beside]


def transform(options: Options) -> list[ExecuteProcess]:
    """The static transform to the camera."""
    if not options.static_tf:
        return []
    require('tf2_ros', 'static_tf')
    flags = ('--x', '--y', '--z', '--qx', '--qy', '--qz', '--qw', '--frame-id',
             '--child-frame-id')
    pairs = zip(flags, options.static_tf, strict=True)
    return [Node(
        package='tf2_ros', executable='static_transform_publisher', name='camera_transform',
        namespace=options.namespace, output='screen',
        arguments=[word for pair in pairs for word in pair])]


def recorder(options: Options) -> list[ExecuteProcess]:
    """What `ros2 bag record` writes."""
    if options.record not in BAGS:
        return []
    require('ros2bag', 'record')
    require('rosbag2_storage_mcap', 'record')
    left_out = [kind for name, kinds in PICTURES.items() if name != options.record
                for kind in kinds]
    # Recording the overlay would make it and fill the disk.
    command = ['ros2', 'bag', 'record', '--storage', 'mcap', '--disable-keyboard-controls',
               '--exclude-regex', '/debug_image$', '--exclude-topic-types', *left_out]
    name = options.namespace.rstrip('/').replace('/', '_')
    command += ['--node-name', f'recorder{name}', '--output',
                options.record_to or f'neuropose{name}_{datetime.now():%Y-%m-%d_%H-%M-%S}']
    if name:
        command += ['--regex', f'^({options.namespace}/.*|/tf|/tf_static|/diagnostics|/clock)$']
    else:
        command += ['--all-topics']
    if options.use_sim_time:
        command += ['--use-sim-time']
    return [ExecuteProcess(cmd=command, name='recorder', output='screen')]


def viewer(options: Options) -> list[ExecuteProcess]:
    """RViz with our layout."""
    if not options.rviz:
        return []
    require('rviz2', 'rviz')
    layout = config_folder() / 'neuropose.rviz'
    frame = ['-f', options.frame_id] if options.frame_id else []
    return [Node(
        package='rviz2', executable='rviz2', namespace=options.namespace,
        arguments=['-d', str(layout), *frame], parameters=[{'use_sim_time': options.use_sim_time}],
        remappings=list(options.remap))]


def require(package: str, argument: str) -> None:
    """Refuse an argument that needs a package which is not installed."""
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        apt = f'ros-{os.environ.get("ROS_DISTRO", "$ROS_DISTRO")}-{package.replace("_", "-")}'
        raise LaunchError(
            f'{argument}:= needs the ROS package {package}, which is not installed: '
            f'apt install {apt}') from None


def end_when_one_fails(processes: list[ExecuteProcess]) -> RegisterEventHandler:
    """End the launch, with exit code 1, as soon as one of ``processes`` fails."""
    def on_exit(event: ProcessExited, context: LaunchContext) -> None:
        if event.returncode != 0 and not context.is_shutdown:
            raise LaunchError(
                f'{event.process_name} ended with exit code {event.returncode}: its own message '
                'above says why')

    return RegisterEventHandler(OnProcessExit(
        target_action=lambda action: action in processes, on_exit=on_exit))


def compose(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Turn the arguments into actions."""
    options = read_options(context)
    needed = [*recorder(options), *transform(options), *stages(options)]
    return [*environment(options, context.environment), end_when_one_fails(needed), *needed,
            *viewer(options)]


def generate_launch_description() -> LaunchDescription:
    """Describe arguments and nodes."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=compose)])
