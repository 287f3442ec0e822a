"""Labels that can be told apart, and ids that change with them."""

from __future__ import annotations

import pytest

from neuropose_ros.core.action import UNKNOWN_LABEL, LabelSet
from neuropose_ros.core.errors import LabelError


@pytest.mark.parametrize('labels', [
    (), ('walk', ''), ('walk', 'sit', 'walk'), ('walk', UNKNOWN_LABEL),
])
def test_labels_that_cannot_be_told_apart_are_refused(labels):
    with pytest.raises(LabelError, match='label set lab'):
        LabelSet('lab', labels)


def test_a_label_has_the_index_of_its_probability():
    labels = LabelSet('lab', ('sit', 'walk'))
    assert [labels.index(label) for label in labels.labels] == [0, 1]
    assert len(labels) == 2
    with pytest.raises(LabelError, match="no 'run'; it has: sit, walk"):
        labels.index('run')


def test_the_id_stays_as_recordings_have_it_and_changes_with_the_labels():
    first = LabelSet('lab', ('sit', 'walk'))
    assert first.id == 'lab@b61c'
    assert LabelSet('lab', ('walk', 'sit')).id != first.id
    assert LabelSet('lab', ('sit', 'walk', 'run')).id != first.id
