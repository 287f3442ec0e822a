r"""Two robots, each with its own camera: a workstation estimates for both, by namespace.

Each robot runs its camera alone:

    ros2 launch neuropose_ros neuropose.launch.py \
        nodes:=camera source:=0 namespace:=robot1 lan:=true

and the workstation, which gets compressed images over the network:

    ros2 launch neuropose_ros two_robots.launch.py

With simulate:=true both cameras run here as synthetic subjects: the whole on one machine.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource

ARGUMENTS = (
    DeclareLaunchArgument(
        'robots', default_value='robot1 robot2',
        description='The two namespaces, separated by a space'),
    DeclareLaunchArgument(
        'simulate', default_value='false', choices=['true', 'false'],
        description='true: run a synthetic camera for each robot here'),
    DeclareLaunchArgument(
        'params_file', default_value='',
        description='Parameter file for both; a section /robot1/pose holds for that one alone'),
    DeclareLaunchArgument(
        'recogniser', default_value='',
        description='What tells actions, for both: as in neuropose.launch.py'),
    DeclareLaunchArgument(
        'record', default_value='false', choices=['true', 'false'],
        description='true: record the poses of each robot, without images'),
)


def compose(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Include the graph for both robots."""
    given = {argument.name: context.launch_configurations[argument.name] for argument in ARGUMENTS}
    robots = given['robots'].split()
    if len(set(robots)) != 2 or len(robots) != 2:
        raise RuntimeError(f'robots:={given["robots"]!r} must be two different namespaces')
    simulate = given['simulate'] == 'true'
    common = {'lan': 'false' if simulate else 'true', 'params_file': given['params_file'],
              'recogniser': given['recogniser']}
    actions = []
    for robot, scene in zip(robots, ('walk', 'wave'), strict=True):
        if simulate:
            actions.append(_graph({
                **common, 'namespace': robot, 'nodes': 'camera', 'source': f'synthetic:{scene}',
                'frame_id': f'{robot}_camera_optical_frame', 'record': 'false'}))
        actions.append(_graph({
            **common, 'namespace': robot, 'source': 'topic:image_raw/compressed',
            'record': given['record']}))
    return actions


def _graph(arguments: dict[str, str]) -> GroupAction:
    # A group, so that the arguments of one robot do not reach the next.
    return GroupAction([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('neuropose.launch.py'))),
        launch_arguments=arguments.items())])


def generate_launch_description() -> LaunchDescription:
    """Describe arguments and robots."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=compose)])
