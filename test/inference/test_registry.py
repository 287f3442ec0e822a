from pathlib import Path

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.registry import load_registry


def test_the_package_list_is_read() -> None:
    assert {'blazepose-detector', 'blazepose-landmarks'} <= set(load_registry())


@pytest.mark.parametrize(('content', 'said'), [
    ('- a\n- b\n', 'must be a table'),
    ('x: {title: y}\n', 'entry x: decoder is missing'),
    ('x: [1]\n', 'entry x: a table of keys'),
    ('x: {\n', 'cannot be read'),
])
def test_an_incomplete_list_is_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / 'models.yaml'
    path.write_text(content)
    with pytest.raises(ModelError, match=said):
        load_registry(path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'nowhere\.yaml cannot be read'):
        load_registry(tmp_path / 'nowhere.yaml')
