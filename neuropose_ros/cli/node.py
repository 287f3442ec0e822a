"""Run one node as a process of its own."""

from __future__ import annotations

import argparse

from neuropose_ros.cli.becoming import become_node
from neuropose_ros.core.errors import NeuroposeError

NODES = ('camera', 'pose', 'refinement', 'action', 'recorder', 'adapter', 'example_robot')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('name', choices=NODES, help='which node')
    parser.add_argument(
        '--source', default='',
        help='camera only: what to read (see `neuropose up --help`)')
    parser.add_argument(
        '--ros-args', nargs=argparse.REMAINDER, default=None,
        help='ROS arguments, as -p layout:=coco17 -r image_raw:=/usb_cam/image_raw')


def run(args: argparse.Namespace) -> int:
    """Become the node's process.

    Raises:
        NeuroposeError: ``--source`` for a node that reads none.
    """
    if args.source and args.name != 'camera':
        raise NeuroposeError(f'--source is for the camera node; the {args.name} node reads topics')
    arguments = ['--source', args.source] if args.source else []
    if args.ros_args is not None:
        arguments += ['--ros-args', *args.ros_args]
    become_node(args.name, arguments)
