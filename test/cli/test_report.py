"""`neuropose report`: one page from one session."""

from __future__ import annotations

import json

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.main import main
from neuropose_ros.recording.about import About
from neuropose_ros.recording.writer import SessionWriter


@pytest.fixture
def session(tmp_path):
    SessionWriter(tmp_path / 'walk', About()).close()
    return tmp_path / 'walk'


def test_the_report_goes_into_the_session(session, capsys):
    assert main(['report', str(session), '--json']) == 0
    said = capsys.readouterr().out.splitlines()
    assert json.loads(said[-1])['frames'] == 0
    assert said[-2] == f'{session / "quality.html"} is the report'
    assert (session / 'quality.html').read_text('utf-8').startswith('<!DOCTYPE html>')


def test_or_to_another_place(session, tmp_path):
    assert main(['report', str(session), '--out', str(tmp_path / 'new' / 'page.html')]) == 0
    assert (tmp_path / 'new' / 'page.html').is_file()
    assert not (session / 'quality.html').exists()


def test_what_is_no_session_or_cannot_be_written_is_said(session, tmp_path, capsys):
    assert main(['report', str(tmp_path)]) == 2
    assert 'this is no session' in capsys.readouterr().err
    assert main(['report', str(session), '--out', str(session / 'session.sqlite' / 'x')]) == 2
    assert 'cannot be written' in capsys.readouterr().err
