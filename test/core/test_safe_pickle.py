"""Pickles give arrays and plain containers; whatever would run something else is refused."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.safe_pickle import load_object_array, load_pickle

CONTENT = {
    'split': {'train': ['a', 'b']}, 'number': 1.5, 'none': None, 'flag': True, 'pair': (1, b'x'),
    'f16': np.arange(6, dtype=np.float16).reshape(1, 2, 3), 'scalar': np.float32(2.5),
    'int': np.int64(7), 'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'text': np.array(['left', 'right']), 'objects': np.array([{'a': np.ones(2)}, 3], object),
}


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_containers_of_every_protocol_are_read(tmp_path, protocol):
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(CONTENT, protocol))
    read = load_pickle(path)
    assert list(read) == list(CONTENT)
    for name in ('f16', 'fortran', 'text', 'scalar', 'int'):
        np.testing.assert_array_equal(read[name], CONTENT[name])
        assert read[name].dtype == CONTENT[name].dtype
    assert read['objects'][0]['a'].tolist() == [1, 1]
    assert read['pair'] == (1, b'x')


def test_pickles_of_both_numpy_generations_are_read():
    text = pickle.dumps(np.arange(3.0), 2)
    for core in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
        there = b'numpy._core.multiarray' if b'numpy._core.' in text else b'numpy.core.multiarray'
        assert load_pickle(io.BytesIO(text.replace(there, core)), 'x').tolist() == [0, 1, 2]


class Attack:
    """Runs a command on unpickling."""

    def __init__(self, function, *args) -> None:
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.mark.parametrize('protocol', [0, 2, 5])
@pytest.mark.parametrize(('function', 'args'), [
    (os.system, ('touch MARK',)), (eval, ("open('MARK', 'w')",)), (open, ('MARK', 'w')),
    (getattr, (os, 'system')), (np.load, ('MARK',)), (OrderedDict, ()), (io.BytesIO, (b'',)),
    (np.frombuffer, (b'',)), (Path, ('MARK',)),
], ids=lambda value: getattr(value, '__name__', ''))
def test_anything_that_runs_is_refused_before_it_runs(
        tmp_path, monkeypatch, protocol, function, args):
    monkeypatch.chdir(tmp_path)
    if os in args:
        data = b'cbuiltins\ngetattr\n(cposix\n\nS"system"\ntR.'
    else:
        data = pickle.dumps({'split': Attack(function, *args)}, protocol)
    path = tmp_path / 'x.pkl'
    path.write_bytes(data)
    with pytest.raises(DataError, match=r'x\.pkl.*is not loaded'):
        load_pickle(path)
    assert not (tmp_path / 'MARK').exists()


RECONSTRUCT, SCALAR = np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]
FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
HEAD = (b'\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R'
        b'(K\x01K\x02\x85cnumpy\ndtype\nU\x02')


@pytest.mark.parametrize('data', [
    pickle.dumps(Attack(np.ndarray, (2,), 'O', b'A' * 16)),
    pickle.dumps(Attack(np.ndarray, (2,))),  # shows what lies in memory
    pickle.dumps(Attack(RECONSTRUCT, np.dtype, (0,), b'b')),
    pickle.dumps(Attack(SCALAR, np.dtype('O'), b'A' * 8)),
    pickle.dumps(Attack(FROM_BUFFER, b'A' * 16, np.dtype('O'), (2,), 'C')),
    pickle.dumps(Attack(FROM_BUFFER, b'A' * 16, np.dtype('f8'), (3,), 'C')),
    pickle.dumps(Attack(np.dtype, [('a', 'O')])),
    pickle.dumps(Attack(np.dtype, '(1,')),
    HEAD + b'O8K\x00K\x01\x87R\x89U\x10' + b'A' * 16 + b'tb.',
    HEAD + b'O8K\x00K\x01\x87R\x89](K\x01etb.',  # one object for two places
    HEAD + b'f8K\x00K\x01\x87R\x89U\x08' + b'A' * 8 + b'tb.',
    HEAD + b'U0K\x00K\x01\x87R\x89U\x08' + b'A' * 8 + b'tb.',
    HEAD + b'V8K\x00K\x01\x87R(K\x03U\x01|NNNK\x08K\x01K\x3ftb\x89U\x10' + b'A' * 16 + b'tb.',
    b'\x80\x02c_codecs\nencode\nN}(U\x0c__defaults__N\x86b.',  # changes a function
])
def test_bytes_never_become_pointers(data):
    with pytest.raises(DataError, match='x: '):
        print(load_pickle(io.BytesIO(data), 'x'))


def test_bytes_are_not_decoded_by_any_other_codec():
    data = b'\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.'
    with pytest.raises(DataError, match='rot13'):
        load_pickle(io.BytesIO(data), 'x')


@pytest.mark.parametrize('data', [b'', b'text', pickle.dumps(CONTENT)[:-9], b'Pid\n.'])
def test_damage_is_one_sentence(tmp_path, data):
    path = tmp_path / 'x.pkl'
    path.write_bytes(data)
    with pytest.raises(DataError, match=r'x\.pkl'):
        load_pickle(path)
    with pytest.raises(DataError, match=r'none\.pkl'):
        load_pickle(tmp_path / 'none.pkl')


def test_arrays_of_objects_are_read_by_the_same_rules():
    def saved(value) -> bytes:
        file = io.BytesIO()
        np.save(file, np.array(value, dtype=object))
        return file.getvalue()
    read = load_object_array(saved({'S1': {'Walking': np.ones((2, 3))}}), 'x')
    assert read.item()['S1']['Walking'].sum() == 6
    with pytest.raises(DataError, match='system'):
        load_object_array(saved({'a': Attack(os.system, 'true')}), 'x')
    with pytest.raises(DataError, match=r'not an \.npy'):
        load_object_array(b'text', 'x')
