"""The page on replay names what there is."""

from __future__ import annotations

import argparse
import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from neuropose_ros.cli import compare, replay
from neuropose_ros.replay.bag_input import BagInput
from neuropose_ros.replay.canonical import STREAMS, TIMING
from neuropose_ros.replay.manifest import MODES, Manifest


@pytest.fixture(scope='module')
def page() -> str:
    return (Path(__file__).parents[2] / 'docs' / 'replay.md').read_text('utf-8')


def test_every_option_on_the_page_is_one(page: str) -> None:
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    for action in parser._actions:
        parser_options = action.option_strings
        if parser_options and '-h' not in parser_options:
            assert any(option in page for option in parser_options), parser_options
    other = argparse.ArgumentParser()
    compare.add_arguments(other)
    known = {option for one in (parser, other) for action in one._actions
             for option in action.option_strings}
    # Of other commands: up, bench and ROS itself.
    known |= {'--source', '--record', '--ros-args', '--data'}
    assert set(re.findall(r'--[a-z][a-z-]+', page)) <= known


def test_every_field_and_finding_is_told(page: str) -> None:
    for item in fields(Manifest):
        assert f'`{item.name}`' in page or item.name == 'name', item.name
    found = re.findall(r"'([a-z_]+)':", inspect.getsource(BagInput.findings))
    assert len(found) > 5
    for name in (*found, 'missing_feedback'):
        assert f'`{name}`' in page, name
    for name in (*STREAMS, *TIMING, *MODES):
        assert name in page, name
