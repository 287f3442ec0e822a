"""The parameter file and the page of parameters, made from the nodes' tables.

`python -m neuropose_ros.nodes.reference` writes both anew where it runs.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from neuropose_ros.nodes import (
    action_parameters,
    adapter,
    camera,
    example_robot,
    pose_parameters,
    recorder_parameters,
    refinement,
)
from neuropose_ros.nodes.base import AUTOSTART
from neuropose_ros.nodes.parameters import ParameterSpec, markdown

TABLES: dict[str, tuple[ParameterSpec, ...]] = {
    'camera': (AUTOSTART, *camera.PARAMETERS),
    'pose': (AUTOSTART, *pose_parameters.PARAMETERS),
    'refinement': (AUTOSTART, *refinement.PARAMETERS),
    'action': (AUTOSTART, *action_parameters.PARAMETERS),
    'recorder': (AUTOSTART, *recorder_parameters.PARAMETERS),
    'adapter': (AUTOSTART, *adapter.PARAMETERS),
    'example_robot': example_robot.PARAMETERS,
}

_FILE_HEAD = """\
# All parameters of all nodes with their defaults. Copy the file, keep what you change, and give it
# with params_file:=FILE (launch) or --ros-args --params-file FILE.
# /**/pose holds for the pose node in every namespace, /robot1/pose for that of one robot; the last
# line that fits wins. "live" parameters may be changed while the node runs (ros2 param set).
"""

_PAGE_HEAD = """\
# Parameters

Made from the tables in `neuropose_ros/nodes/`; `config/neuropose.yaml` is the same as a file.
*live* = may be changed while the node runs (`ros2 param set`); the others take effect when the
node is configured. A value of the wrong type or out of range is refused with one sentence: at the
start the node ends with exit code 2, later it keeps the old value.

Every publisher and subscription also has its QoS as parameters, named
`qos_overrides./TOPIC.publisher.reliability` (and so on) as ROS 2 has them.
"""


def _bounds(spec: ParameterSpec) -> str:
    if spec.choices:
        return 'one of ' + ', '.join(json.dumps(choice) for choice in spec.choices)
    unit = f' {spec.unit}' if spec.unit else ''
    if spec.minimum is None and spec.maximum is None:
        return spec.unit
    if spec.maximum is None:
        return f'from {spec.minimum:g}{unit}'
    if spec.minimum is None:
        return f'up to {spec.maximum:g}{unit}'
    return f'{spec.minimum:g} to {spec.maximum:g}{unit}'


def _entry(spec: ParameterSpec) -> str:
    notes = '; '.join(note for note in (_bounds(spec), 'live' if spec.live else '') if note)
    text = f'{spec.consequence} ({notes})' if notes else spec.consequence
    comment = textwrap.fill(
        text, width=99, initial_indent='    # ', subsequent_indent='    # ',
        break_long_words=False, break_on_hyphens=False)
    return f'{comment}\n    {spec.name}: {json.dumps(spec.default)}\n'


def parameter_file() -> str:
    """Return the commented parameter file with every default."""
    sections = (
        f'\n/**/{node}:\n  ros__parameters:\n' + ''.join(map(_entry, specs))
        for node, specs in TABLES.items())
    return _FILE_HEAD + ''.join(sections)


def parameter_page() -> str:
    """Return the page of all parameters in Markdown."""
    return _PAGE_HEAD + ''.join(
        f'\n## {node}\n\n{markdown(specs)}' for node, specs in TABLES.items())


def main() -> int:
    """Write both files below the present folder."""
    for path, text in (('config/neuropose.yaml', parameter_file()),
                       ('docs/parameters.md', parameter_page())):
        Path(path).write_text(text, encoding='utf-8')
        print(f'wrote {path}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
