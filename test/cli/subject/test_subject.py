"""`neuropose subject`: who is in a store, what they agreed to, and how they are deleted."""

from __future__ import annotations

import json
from datetime import date

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.main import main
from neuropose_ros.recording import open_session
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.pseudonyms import load_key
from neuropose_ros.recording.writer import SessionWriter


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two sessions in which nobody is named yet, and a key."""
    monkeypatch.setenv('NEUROPOSE_SUBJECT_KEY', str(tmp_path / 'subject.key'))
    for name in ('one', 'two'):
        SessionWriter(tmp_path / 'store' / name, About(task='walk')).close()
    return tmp_path / 'store'


@pytest.fixture
def anna(store, capsys):
    """Anna, who is in both sessions and agreed to different things."""
    for name, consent in (('one', 'measurements,video'), ('two', 'measurements')):
        assert main(['subject', 'set', 'Anna', str(store / name), '--consent', consent,
                     '--retain-until', '2001-01-31']) == 0
    capsys.readouterr()
    return load_key().pseudonym('anna')


def test_list_says_what_holds_everywhere(store, anna, capsys):
    assert main(['subject', 'list', str(store), '--json']) == 0
    said = capsys.readouterr().out
    assert json.loads(said) == [{
        'pseudonym': anna, 'key_id': load_key().id, 'sessions': 2, 'consent': ['measurements'],
        'retain_until': '2001-01-31', 'is_due': True}]
    assert main(['subject', 'list', str(store)]) == 0
    assert 'DUE\n1 subjects in 2 sessions' in capsys.readouterr().out


def test_list_without_subjects_says_so(store, capsys):
    assert main(['subject', 'list', str(store), '--due']) == 0
    assert capsys.readouterr().out == '0 subjects in 2 sessions; 2 of them name nobody\n'


def test_show_by_name_and_by_pseudonym(store, anna, capsys):
    assert main(['subject', 'show', ' ANNA ', str(store)]) == 0
    by_name = capsys.readouterr().out
    assert main(['subject', 'show', anna, str(store)]) == 0
    assert capsys.readouterr().out == by_name
    assert 'anna' not in by_name.lower() and 'consent measurements,video' in by_name


def test_set_keeps_what_is_not_given(store, anna):
    assert main(['subject', 'set', anna, str(store), '--tracks', '0:3', '1:0']) == 0
    with open_session(store / 'one') as session:
        [subject] = session.about.subjects
    assert subject.tracks == ((0, 3), (1, 0)) and subject.retain_until == date(2001, 1, 31)
    assert subject.consent == {'measurements', 'video'}
    assert main(['subject', 'set', anna, str(store), '--consent', '']) == 0
    with open_session(store / 'one') as session:
        assert session.about.subjects[0].consent == frozenset()


def test_set_does_not_add_anybody_to_a_whole_store(store, capsys):
    assert main(['subject', 'set', 'Bert', str(store), '--consent', 'video']) == 2
    assert 'is in no session there' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'said'), [
    (['--tracks', '3'], 'names no track'), (['--consent', 'all'], 'is not known'),
    (['--retain-until', 'soon'], 'write it as 2031-12-31')])
def test_set_refuses_what_it_cannot_read_and_changes_nothing(
        store, anna, capsys, arguments, said):
    before = (store / 'one' / 'session.sqlite').read_bytes()
    assert main(['subject', 'set', anna, str(store), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert (store / 'one' / 'session.sqlite').read_bytes() == before


def test_delete_wants_a_yes_and_then_proves_it(store, anna, capsys):
    assert main(['subject', 'delete', 'Anna', str(store)]) == 2
    said = capsys.readouterr()
    assert 'say --yes' in said.err and str(store / 'one') in said.out
    assert (store / 'one').exists()
    assert main(['subject', 'delete', 'Anna', str(store), '--yes', '--json']) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result['sessions_removed'] == 2 and result['traces'] == result['unread'] == []
    assert not (store / 'one').exists() and not (store / 'two').exists()


def test_delete_with_a_copy_left_behind_is_not_done(store, anna, tmp_path, capsys):
    from neuropose_ros.recording.upkeep import add_export

    copy = tmp_path / 'copy.csv'
    copy.touch()
    add_export(store / 'one', copy, 'csv')
    assert main(['subject', 'delete', 'Anna', str(store), '--yes']) == 1
    said = capsys.readouterr().out
    assert f'{copy}: a copy; where it lies outside of the store it goes only with --exp' in said
    # The session that knew of the copy is gone: the command cannot be given once more.
    assert f'{copy}: this copy is still there; delete it by hand' in said


def test_an_id_that_does_not_exist_is_said_with_the_keys(store, anna, capsys):
    assert main(['subject', 'delete', 'Berta', str(store), '--yes']) == 2
    said = capsys.readouterr().err
    assert 'in none of the 2 sessions' in said and load_key().id in said


def test_a_name_without_the_key_is_said(store, anna, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv('NEUROPOSE_SUBJECT_KEY', str(tmp_path / 'no.key'))
    assert main(['subject', 'show', 'Anna', str(store)]) == 2
    assert 'there is no key' in capsys.readouterr().err
    assert not (tmp_path / 'no.key').exists()
    assert main(['subject', 'show', anna, str(store)]) == 0
