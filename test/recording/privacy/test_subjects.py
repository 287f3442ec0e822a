"""Subjects: nothing but pseudonyms, and silence is no consent."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.privacy.pseudonyms import SubjectKey
from neuropose_ros.recording.privacy.subjects import Subject, all_may

KEY = SubjectKey(b'k' * 32, Path('subject.key'))


def test_a_subject_keeps_no_name():
    subject = Subject.of('Anna', KEY, 'video, Measurements', '2031-12-31', [(0, 3)])
    assert 'anna' not in repr(subject).lower()
    assert subject == Subject(KEY.pseudonym('anna'), KEY.id, frozenset({'video', 'measurements'}),
                              date(2031, 12, 31), ((0, 3),))
    assert subject.consent_text() == 'measurements,video'


def test_a_name_in_place_of_a_pseudonym_is_refused_and_not_repeated():
    with pytest.raises(PrivacyError, match='under a pseudonym') as refused:
        Subject('Anna', KEY.id)
    assert 'Anna' not in str(refused.value)


def test_silence_is_no_consent():
    silent, asked = Subject.of('1', KEY), Subject.of('2', KEY, 'video')
    assert not any(silent.may(scope) for scope in ('measurements', 'video', 'sharing'))
    assert asked.may('video') and not asked.may('sharing')
    assert all_may([asked], 'video') and not all_may([asked, silent], 'video')
    assert not all_may([], 'video')


def test_retention_ends_after_its_last_day():
    subject = Subject.of('1', KEY, retain_until='2030-01-31')
    assert not subject.is_due(date(2030, 1, 31)) and subject.is_due(date(2030, 2, 1))
    assert not Subject.of('1', KEY).is_due(date(9999, 1, 1))


@pytest.mark.parametrize(('consent', 'day', 'said'), [
    ('vidoe', '', 'consent to vidoe is not known'), ('', '31.12.2030', 'write it as 2031-12-31')])
def test_what_cannot_be_read_is_said(consent, day, said):
    with pytest.raises(PrivacyError, match=said):
        Subject.of('1', KEY, consent, day)
