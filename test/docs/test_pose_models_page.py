"""docs/pose_models.md names what exists: options, settings, forms of data, and figures."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import pytest

from neuropose_ros.cli.evaluate import pose
from neuropose_ros.learning.config import read_yaml
from neuropose_ros.learning.pose_evaluation.assessment import figures
from neuropose_ros.learning.pose_evaluation.settings import PoseEvaluationSettings


@pytest.fixture(scope='module')
def text() -> str:
    whole = (Path(__file__).parents[2] / 'docs' / 'pose_models.md').read_text('utf-8')
    return whole.partition('## Measure a model')[2].partition('\n## Train')[0]


def test_settings_are_those_of_the_file_and_their_defaults(text, source_root):
    fields = {field.name: field.default for field in dataclasses.fields(PoseEvaluationSettings)}
    values = read_yaml(source_root / 'config' / 'learning' / 'evaluate_pose.yaml')
    assert {key: tuple(value) if isinstance(value, list) else value
            for key, value in values.items()} == fields
    keys = set(re.findall(r'--set ([a-z_]+)=', text)) | {'skipped_share', 'right_within'}
    assert len(keys) >= 6 and keys <= set(fields)


def test_options_exist(text):
    parser = argparse.ArgumentParser()
    pose.add_arguments(parser)
    known = set(parser._option_string_actions)
    assert set(re.findall(r'(?<![\w-])(--[a-z]+)', text)) <= known


def test_figures_exist(text):
    table = text.partition('| figure | what it is |')[2].partition('\n\n')[0]
    cells = [row.split('|')[1] for row in table.splitlines()[2:]]
    named = {name for cell in cells for name in re.findall(r'`([\w@.]+)`', cell)}
    code = Path(figures.__code__.co_filename).read_text('utf-8')
    for name in named - {'pck@0.1'}:
        assert f"'{name}'" in code, name
    assert {'pck@0.1', 'oks', 'mpjpe_m', 'missed', 'ece', 'ms'} <= named
