"""What is left out is listed and counted, and too much of it stops."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Finding, Findings


def test_a_name_is_not_said_twice():
    findings = Findings()
    findings.skip('walk_1', DataError('clip walk_1: a keypoint is infinite'))
    findings.skip('walk_2', 'walk_2: it is empty')
    assert findings.items == (
        Finding('walk_1', 'a keypoint is infinite'), Finding('walk_2', 'it is empty'))


def test_the_report_counts_all_and_names_the_first():
    findings = Findings()
    assert findings.report() == 'nothing was left out'
    for i in range(7):
        findings.skip(f'clip_{i}', 'it is empty')
    lines = findings.report(limit=2).splitlines()
    assert lines == ['7 left out:', '  clip_0: it is empty', '  clip_1: it is empty',
                     '  and 5 more']


def test_more_than_the_allowed_share_stops():
    findings = Findings()
    findings.skip('bad', 'it is empty')
    findings.refuse_many(used=9, share=0.1)
    with pytest.raises(DataError, match='1 of 9 clips cannot be used, more than the allowed 10%'):
        findings.refuse_many(used=8, share=0.1)
    with pytest.raises(DataError, match='no clip can be used'):
        Findings().refuse_many(used=0, share=1.0)
