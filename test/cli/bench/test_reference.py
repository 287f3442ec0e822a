import sys
from pathlib import Path

import pytest

from neuropose_ros.cli.bench import reference
from neuropose_ros.core.errors import NeuroposeError


def test_this_python_is_taken_where_it_fits() -> None:
    found = reference.base_python('thing==1', (sys.version_info[:2],))
    assert found.is_file() and found.resolve() == Path(sys.executable).resolve()


def test_another_python_is_found_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, code in (('python3.98', 1), ('python3.97', 0)):
        (tmp_path / name).write_text(f'#!/bin/sh\nexit {code}\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    versions = ((3, 99), (3, 98), (3, 97))
    assert reference.base_python('thing==1', versions) == tmp_path / 'python3.97'


def test_no_python_that_fits_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', '')
    with pytest.raises(NeuroposeError, match=r'thing==1 is published for Python 3\.98, this is'):
        reference.base_python('thing==1', ((3, 98),))


def test_a_failed_installation_gives_its_reason() -> None:
    program = 'import sys; sys.exit("warning\\nERROR: no room\\nhint")'
    with pytest.raises(NeuroposeError, match='thing cannot be installed: ERROR: no room'):
        reference.step([sys.executable, '-c', program], 'thing')
