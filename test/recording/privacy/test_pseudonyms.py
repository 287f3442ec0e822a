"""Pseudonyms: alike with one key, unlike with another; unsafe keys are refused."""

from __future__ import annotations

import hashlib
import hmac
import multiprocessing
import os
import re
import stat

import pytest

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.privacy.pseudonyms import (
    SubjectKey,
    is_pseudonym,
    key_path,
    load_key,
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    path = tmp_path / 'safe' / 'subject.key'
    monkeypatch.setenv('NEUROPOSE_SUBJECT_KEY', str(path))
    return path


def test_the_key_is_made_once_and_only_its_owner_reads_it(place):
    key = load_key()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert re.fullmatch(r'[0-9a-f]{64}\n', place.read_text())
    assert load_key() == key and len(key.secret) == 32
    assert [path.name for path in place.parent.iterdir()] == ['subject.key']


def test_a_pseudonym_is_a_keyed_hash_of_the_name(place):
    key = load_key()
    digest = hmac.new(key.secret, b'neuropose subject\0anna m\xc3\xbcller', hashlib.sha256)
    value = int.from_bytes(digest.digest()[:10], 'big')
    letters = 'abcdefghijklmnopqrstuvwxyz234567'
    expected = ''.join(letters[value >> shift & 31] for shift in range(75, -1, -5))
    assert key.pseudonym('Anna Müller') == f's-{expected}'
    other = SubjectKey(bytes(32), place)
    assert other.pseudonym('Anna Müller') != key.pseudonym('Anna Müller')
    assert other.id != key.id and re.fullmatch('[0-9a-f]{8}', key.id)


@pytest.mark.parametrize('same', ['ANNA müller ', ' anna  Müller', 'Anna Mu\u0308ller'])
def test_spelling_of_one_name_makes_no_difference(place, same):
    assert load_key().pseudonym(same) == load_key().pseudonym('Anna Müller')


def test_a_pseudonym_of_a_pseudonym_is_itself(place):
    name = load_key().pseudonym('12')
    assert is_pseudonym(name) and load_key().pseudonym(name) == name
    assert not is_pseudonym('12') and not is_pseudonym(name + 'x')


def test_the_secret_is_not_printed(place):
    key = load_key()
    assert key.secret.hex() not in repr(key) and str(key.secret) not in repr(key)


def test_an_empty_name_is_refused(place):
    with pytest.raises(PrivacyError, match='it was empty'):
        load_key().pseudonym(' \t')


def test_a_key_that_others_can_read_is_refused(place):
    load_key()
    place.chmod(0o640)
    with pytest.raises(PrivacyError, match=f'chmod 600 {place}'):
        load_key()


@pytest.mark.parametrize('content', ['', 'ab', 'z' * 64, 'ä' * 64])
def test_a_damaged_key_is_refused_and_left_as_it_is(place, content):
    place.parent.mkdir()
    place.write_text(content)
    place.chmod(0o600)
    with pytest.raises(PrivacyError, match=r'is no key|cannot be read'):
        load_key()
    assert place.read_text() == content


def test_a_key_beside_the_data_is_refused(place):
    with pytest.raises(PrivacyError, match='beside the data'):
        load_key(store=place.parent.parent)
    assert not place.exists()
    assert load_key(store=place.parent.parent / 'elsewhere')


def test_no_key_is_made_where_old_pseudonyms_are_wanted(place):
    with pytest.raises(PrivacyError, match='there is no key'):
        load_key(create=False)
    assert not place.parent.exists()


def test_a_place_that_cannot_be_written_is_said(place, monkeypatch):
    place.parent.write_text('a file, not a folder')
    with pytest.raises(PrivacyError, match=r'cannot be made \(.*NEUROPOSE_SUBJECT_KEY'):
        load_key()


def test_the_key_lies_in_the_configuration_of_the_user(tmp_path, monkeypatch):
    monkeypatch.delenv('NEUROPOSE_SUBJECT_KEY', raising=False)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
    assert key_path() == tmp_path / 'neuropose' / 'subject.key'
    monkeypatch.setenv('XDG_CONFIG_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert key_path() == tmp_path / 'home' / '.config' / 'neuropose' / 'subject.key'


def _load(path, barrier, answers):
    os.environ['NEUROPOSE_SUBJECT_KEY'] = str(path)
    barrier.wait()
    answers.put(load_key().id)


def test_two_processes_at_once_get_the_same_key(place):
    context = multiprocessing.get_context('fork')
    barrier, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_load, args=(place, barrier, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    found = {answers.get(timeout=10) for _ in processes}
    for process in processes:
        process.join()
    assert found == {load_key().id}
