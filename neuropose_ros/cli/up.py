"""Run the graph (camera, pose, refinement) in one process.

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
    parser.add_argument(
        '--ros-args', nargs=argparse.REMAINDER, default=None,
        help='ROS arguments for all nodes, as -p camera:loop:=true -r __ns:=/robot1')


def run(args: argparse.Namespace) -> int:
    """Become the composed process."""
    arguments = ['--source', args.source] if args.source else []
    if args.ros_args is not None:
        arguments += ['--ros-args', *args.ros_args]
    become_node('composed', arguments)
