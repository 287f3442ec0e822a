"""Several cameras on one machine: a graph for each, in a namespace of its own.

    ros2 launch neuropose_ros cameras.launch.py sources:='0 2 synthetic:wave'

makes /camera1/poses_refined, /camera2/poses_refined and so on. Copy this file when cameras need
more than a source and a name of their own.
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
        'sources', default_value='synthetic:walk synthetic:wave',
        description='One source for each camera, separated by spaces'),
    DeclareLaunchArgument(
        'names', default_value='',
        description='One namespace for each camera. Empty: camera1 camera2 ...'),
    DeclareLaunchArgument(
        'composed', default_value='true', choices=['true', 'false'],
        description='true: one process for each camera; false: one for each node'),
    DeclareLaunchArgument(
        'recogniser', default_value='',
        description='What tells actions, for all: as in neuropose.launch.py'),
    DeclareLaunchArgument(
        'params_file', default_value='',
        description='Parameter file for all; a section /camera1/pose holds for that one alone'),
    DeclareLaunchArgument(
        'lan', default_value='false', choices=['true', 'false'],
        description='true: be visible to other machines'),
)


def compose(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Include the graph once for each camera."""
    given = {argument.name: context.launch_configurations[argument.name] for argument in ARGUMENTS}
    sources, names = given['sources'].split(), given['names'].split()
    names = names or [f'camera{number}' for number in range(1, len(sources) + 1)]
    if not sources or len(names) != len(sources) or len(set(names)) != len(names):
        raise RuntimeError(
            f'sources:={given["sources"]!r} and names:={given["names"]!r} must list as many '
            'different names as sources')
    return [_camera(source, name, given) for source, name in zip(sources, names, strict=True)]


def _camera(source: str, name: str, given: dict[str, str]) -> GroupAction:
    graph = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('neuropose.launch.py'))),
        launch_arguments={
            'source': source, 'namespace': name, 'frame_id': f'{name}_optical_frame',
            'composed': given['composed'], 'params_file': given['params_file'],
            'recogniser': given['recogniser'], 'lan': given['lan'],
        }.items())
    # A group, so that the arguments of one camera do not reach the next.
    return GroupAction([graph])


def generate_launch_description() -> LaunchDescription:
    """Describe arguments and cameras."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=compose)])
