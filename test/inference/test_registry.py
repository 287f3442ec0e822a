from pathlib import Path

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import BUILT_IN
from neuropose_ros.inference.registry import load_registry


def test_every_entry_that_comes_with_the_package_is_complete() -> None:
    registry = load_registry()
    assert {'blazepose-detector', 'blazepose-landmarks'} <= set(registry)
    for entry in registry.values():
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence and entry.title
        assert entry.source.file.endswith('.whl') and entry.source.member
        assert set(entry.check) <= set(entry.outputs.values())
        assert not entry.layout or entry.layout in BUILT_IN


@pytest.mark.parametrize(('content', 'said'), [
    ('- a\n- b\n', 'must be a table'),
    ('x: {title: y}\n', 'entry x is not complete'),
    ('x: [1]\n', 'entry x is not complete'),
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
