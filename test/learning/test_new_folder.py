"""A folder is there whole or not at all, and takes the place of its like alone."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.learning.new_folder import new_folder


def _write(folder, text='new'):
    with new_folder(folder, 'mark', 'thing') as made:
        (made / 'mark').write_text(text)


def test_its_like_is_replaced_and_nothing_else(tmp_path):
    _write(tmp_path / 'deep' / 'one', 'old')
    _write(tmp_path / 'deep' / 'one')
    assert (tmp_path / 'deep' / 'one' / 'mark').read_text() == 'new'
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['one']
    (tmp_path / 'thesis').mkdir()
    _write(tmp_path / 'thesis')  # empty
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'text').write_text('mine')
    with pytest.raises(ModelError, match='no thing, so nothing is replaced'):
        _write(tmp_path / 'other')


def test_what_was_there_stays_when_the_new_one_fails(tmp_path):
    _write(tmp_path / 'one', 'old')
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / 'one', 'mark', 'thing') as made:
        (made / 'mark').write_text(str(1 / 0))
    assert (tmp_path / 'one' / 'mark').read_text() == 'old'
    (tmp_path / 'file').write_text('')
    with pytest.raises(ModelError, match='cannot be written'):
        _write(tmp_path / 'file' / 'one')
    assert {path.name for path in tmp_path.iterdir()} == {'one', 'file'}
