"""docs/privacy.md says what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from neuropose_ros.cli.bench import blurring as bench
from neuropose_ros.imaging import blurring, heads
from neuropose_ros.recording.privacy import pseudonyms, subjects


@pytest.fixture(scope='module')
def text(source_root: Path) -> str:
    return (source_root / 'docs' / 'privacy.md').read_text('utf-8')


def test_commands_exist(text):
    for words in re.findall(r'neuropose ((?:subject|bench) [a-z]+|[a-z]+)', text):
        assert importlib.util.find_spec(f'neuropose_ros.cli.{words.replace(" ", ".")}'), words


def test_options_exist(text, source_root):
    said = set(re.findall(r'--([a-z][a-z-]+)', text))
    code = ''.join(path.read_text('utf-8') for path in (
        *(source_root / 'neuropose_ros' / 'cli' / 'subject').glob('*.py'),
        source_root / 'neuropose_ros' / 'cli' / 'bench' / 'blurring.py'))
    assert len(said) > 5
    for option in said:
        assert f"'--{option}'" in code, option


def test_settings_are_those_of_the_code(text):
    settings = blurring.BlurSettings()
    assert f'for the last {settings.look_back_s:g} s too' in text
    assert settings.forget_s == float('inf') and 'until somebody is found who can be them' in text
    assert f'a disc of {heads._RADIUS:g} of its height' in text
    assert f'with {heads._BOX_ROOM:.0%}'.replace('%', ' %') in text
    head, person = blurring._CELLS.values()
    assert f'{head} x {head} mean colours (a head)' in text
    assert person == blurring._PICTURE_CELLS and f'{person} x {person}' in text


def test_words_are_those_of_the_code(text):
    for scope in subjects.SCOPES:
        assert f'`{scope}`' in text
    assert pseudonyms.KEY_VARIABLE in text
    assert all(map(pseudonyms.is_pseudonym, re.findall(r'`(s-\w+)`', text)))
    assert len(bench.CLIPS) == 4 and 'in four clips' in text
