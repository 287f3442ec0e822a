"""What the recorder is told: names, subjects and topics that make sense, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.nodes.recorder_parameters import (
    PARAMETERS,
    about_of,
    check_recorder,
    new_session,
)

DEFAULTS: dict[str, Any] = {spec.name: spec.default for spec in PARAMETERS}


@pytest.mark.parametrize(('name', 'value', 'says'), [
    ('session', '../walk', 'cannot be the name of a session'),
    ('session', 'a/b', 'cannot be the name of a session'),
    ('session', '.hidden', 'cannot be the name of a session'),
    ('folder', ' ', 'say where sessions are made'),
    ('topics', 'poses faces', 'must be some of: frame_info poses'),
    ('topics', '', 'must be some of'),
    ('consent', 'video', 'there is no subject'),
    ('retain_until', 'tomorrow', 'is no day'),
    ('bag', 'raw', 'did not agree to video'),
    ('video', 'raw', 'did not agree to video'),
])
def test_bad_values_get_one_sentence(name: str, value: str, says: str) -> None:
    chosen = DEFAULTS | ({'subject': 'p1'} if 'video' in says else {})
    check_recorder(chosen)
    with pytest.raises(NeuroposeError, match=says):
        check_recorder(chosen | {name: value})


@pytest.mark.parametrize('chosen', [
    {'bag': 'raw'}, {'video': 'blurred', 'subject': 'p1'}, {'bag': 'messages', 'subject': 'p1'},
    {'video': 'raw', 'subject': 'p1', 'consent': 'measurements, video'}])
def test_pictures_need_consent_where_somebody_is_named(chosen: dict[str, Any]) -> None:
    check_recorder(DEFAULTS | chosen)


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    chosen = DEFAULTS | {'folder': str(tmp_path), 'session': 'walk'}
    for expected in ('walk', 'walk-2', 'walk-3'):
        path = new_session(chosen)
        assert path == tmp_path / expected
        path.mkdir()
    assert new_session(chosen | {'session': ''}).name.startswith('20')


def test_a_subject_becomes_a_pseudonym(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('NEUROPOSE_SUBJECT_KEY', str(tmp_path / 'subject.key'))
    chosen = DEFAULTS | {
        'folder': str(tmp_path / 'sessions'), 'subject': 'Jane Doe', 'consent': 'video',
        'retain_until': '2099-01-02'}
    about = about_of(chosen, {})
    subject, = about.subjects
    with pytest.raises(NeuroposeError, match='key'):  # it would lie beside the data
        about_of(chosen | {'folder': str(tmp_path)}, {})
    assert 'Jane' not in repr(about) and subject.may('video')
    assert about_of(DEFAULTS, {}).subjects == ()
