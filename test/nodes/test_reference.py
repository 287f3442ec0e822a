"""The shipped parameter file and the pages say what the nodes have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

from neuropose_ros.nodes import reference

from ..recognisers import write_arm_recogniser
from .conftest import Graph

REGENERATE = 'run `python -m neuropose_ros.nodes.reference` in the source tree'
OF_EVERY_NODE = ('/transition_event', '/parameter_events', '/rosout')


def test_parameter_file_is_up_to_date(source_root: Path) -> None:
    file = (source_root / 'config' / 'neuropose.yaml').read_text(encoding='utf-8')
    assert file == reference.parameter_file(), REGENERATE


def test_parameter_page_is_up_to_date(source_root: Path) -> None:
    page = (source_root / 'docs' / 'parameters.md').read_text(encoding='utf-8')
    assert page == reference.parameter_page(), REGENERATE


def test_the_file_reads_as_the_defaults() -> None:
    read = yaml.safe_load(reference.parameter_file())
    for node, specs in reference.TABLES.items():
        values = read[f'/**/{node}']['ros__parameters']
        assert values == {spec.name: spec.default for spec in specs}
        for spec in specs:
            assert type(values[spec.name]) is type(spec.default), spec.name


@pytest.mark.parametrize('file', ['robot.yaml', 'workstation.yaml'])
def test_example_files_hold_valid_parameters(source_root: Path, file: str) -> None:
    sections = yaml.safe_load((source_root / 'config' / file).read_text(encoding='utf-8'))
    for node, section in sections.items():
        specs = {spec.name: spec for spec in reference.TABLES[node.removeprefix('/**/')]}
        for name, value in section['ros__parameters'].items():
            assert specs[name].problem(value) is None


def _documented(page: str) -> dict[str, tuple[str, set[str], str]]:
    """Topic to type, nodes and QoS, from the table of topics."""
    rows = re.findall(r'^\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|', page, re.M)
    return {topic: (kind, set(nodes.strip().split(', ')), qos.strip())
            for topic, kind, nodes, qos in rows}


def _asked_for(page: str) -> set[str]:
    """Topics of the second table, that are there only where something asks for them."""
    return set(re.findall(r'^\| `([^`]+)` \| [^`|][^|]* \| `[^|]+` \|', page, re.M))


def test_topics_page_lists_what_the_nodes_publish(
    graph: Graph, source_root: Path, tmp_path: Path,
) -> None:
    page = (source_root / 'docs' / 'topics.md').read_text(encoding='utf-8')
    documented = _documented(page)
    recogniser = write_arm_recogniser(tmp_path / 'arm')
    graph.start(
        'composed', '--source', 'synthetic:walk?depth=1', '--recogniser', str(recogniser))
    graph.start('example_robot')
    found: dict[str, tuple[str, set[str], str]] = {}

    def look() -> bool:
        found.clear()
        for topic, (kind, *_) in graph.node.get_topic_names_and_types():
            for info in graph.node.get_publishers_info_by_topic(topic):
                if info.node_name in reference.TABLES and not topic.endswith(OF_EVERY_NODE):
                    name = topic if topic == '/diagnostics' else topic[1:]
                    nodes = found.get(name, ('', set(), ''))[1] | {info.node_name}
                    found[name] = (kind, nodes, _qos(info.qos_profile))
        return {*documented, 'robot_command'} <= set(found)

    graph.until(look, timeout_s=30)
    for topic in documented:
        # Depth is not part of what discovery tells.
        kind, nodes, qos = documented[topic]
        assert found[topic] == (kind, nodes, qos.rpartition(', ')[0]), topic
    others = set(found) - set(documented)
    assert {'depth/image_raw', 'robot_command'} <= others
    assert others <= _asked_for(page)


def _qos(profile: object) -> str:
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

    assert isinstance(profile, QoSProfile)
    reliable = profile.reliability == ReliabilityPolicy.RELIABLE
    latched = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return ('reliable' if reliable else 'best effort') + (', transient local' if latched else '')
