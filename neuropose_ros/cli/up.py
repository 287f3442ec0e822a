"""Run the graph (camera, pose, refinement, action) in one process.

Nothing is computed before somebody listens: try `ros2 topic hz poses_refined`, or
`neuropose demo` for something to look at. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse

from neuropose_ros.cli.becoming import become_node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--source', default='',
        help='camera (0, /dev/video0), video file, folder of pictures, http/rtsp url, '
             'synthetic[:scene], or topic:/name of an existing image topic')
    add_model_arguments(parser)
    parser.add_argument(
        '--record', metavar='DIR',
        help='record everything but images into a session in this folder, which is made; -p '
             'recorder:bag:=raw among the ROS arguments keeps the images as well')
    parser.add_argument(
        '--ros-args', nargs=argparse.REMAINDER, default=None,
        help='ROS arguments for all nodes, as -p camera:loop:=true -r __ns:=/robot1')


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the choice of networks."""
    parser.add_argument(
        '--model', default='', help='pose model, a name of `neuropose models list`')
    parser.add_argument(
        '--detector', default='',
        help='person detector, for several people; a name of the same list')
    parser.add_argument(
        '--recogniser', default='',
        help='what tells actions: a folder that `neuropose export` wrote, the name of a deployed '
             'one, or none; default: the one that comes with the package')


def model_arguments(args: argparse.Namespace) -> list[str]:
    """Return the choice of networks as arguments again."""
    given = (('--model', args.model), ('--detector', args.detector),
             ('--recogniser', args.recogniser))
    return [word for name, value in given if value for word in (name, value)]


def run(args: argparse.Namespace) -> int:
    """Become the composed process."""
    arguments = ['--source', args.source] if args.source else []
    arguments += model_arguments(args)
    if args.record is not None:
        arguments += ['--record', args.record]
    if args.ros_args is not None:
        arguments += ['--ros-args', *args.ros_args]
    become_node('composed', arguments)
