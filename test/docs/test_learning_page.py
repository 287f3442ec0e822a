"""docs/learning.md names what exists: commands, keys, data sets, sections of the report, files."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest

from neuropose_ros.learning.config import read_yaml
from neuropose_ros.learning.datasets.catalogue import DATA_SETS


@pytest.fixture(scope='module')
def text() -> str:
    return (Path(__file__).parents[2] / 'docs' / 'learning.md').read_text('utf-8')


def test_commands_exist(text):
    names = set(re.findall(r'\./neuropose ([a-z]+)', text))
    table = text.partition('## Commands')[2].partition('\n\nOn GPUs')[0]
    rows = [row.split('|')[1] for row in table.splitlines() if row.startswith('| `')]
    names |= {name for row in rows for name in re.findall(r'`([a-z]+)', row)}
    assert len(names) >= 9
    for name in names:
        assert importlib.util.find_spec(f'neuropose_ros.cli.{name}'), name


def test_keys_and_defaults_exist(text, source_root):
    pytest.importorskip('torch', reason='needs torch')
    from neuropose_ros.learning.assessment import AssessmentSettings
    from neuropose_ros.learning.recipe import Recipe, read_recipe

    recipe = read_recipe('train')
    for section, key in re.findall(r'[` ](?:--set )?(\w+)\.(\w+)=', text):
        part = getattr(recipe, section)
        assert key in {field.name for field in dataclasses.fields(part)}, (section, key)
    assert recipe.data.skipped_share == 0.05 and recipe.data.validation_share == 0.2
    settings = {field.name for field in dataclasses.fields(AssessmentSettings)}
    for key in re.findall(r'--set (part|open_set)=', text):
        assert key in settings
    assert set(read_yaml(source_root / 'config' / 'learning' / 'evaluate.yaml')) == settings
    assert {field.name for field in dataclasses.fields(Recipe)} >= {'data', 'training'}


def test_every_data_set_is_listed_with_its_terms(text):
    table = text.partition('| data set | name | terms')[2]
    listed = set(re.findall(r'`(\w+)`', '\n'.join(
        row.split('|')[2] for row in table.splitlines()[2:] if row.count('|') == 4)))
    assert listed == set(DATA_SETS)


def test_sections_of_the_report_are_those_that_it_has(text, source_root):
    code = (source_root / 'neuropose_ros/learning/report/write.py').read_text('utf-8')
    titles = re.findall(r"Section\(\s*'\w+',\s*'([^']+)'", code)
    table = text.partition('| section | how it is measured')[2].partition('\n\n')[0]
    rows = [row.split('|')[1].strip() for row in table.splitlines()[2:]]
    assert set(rows) == set(titles) - {'What was tested, and how'}


def test_files_exist(text, source_root):
    for name in re.findall(r'`((?:docs|config)/[\w./]*\w)`', text):
        assert (source_root / name.replace('COMMAND', 'train')).exists(), name
    for name in re.findall(r'\]\(([^)#]+)\)', text):
        assert (source_root / 'docs' / name).exists(), name
