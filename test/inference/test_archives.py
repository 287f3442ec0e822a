import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.archives import read_member

CONTENT = bytes(range(256)) * 64


def made(folder: Path, name: str) -> Path:
    """An archive with a/net.onnx and a/b/other.onnx."""
    path = folder / name
    if name.endswith('.zip'):
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('a/', '')
            archive.writestr('a/net.onnx', CONTENT)
            archive.writestr('a/b/other.onnx', b'other')
    else:
        with tarfile.open(path, 'w:gz' if name.endswith('gz') else 'w') as tar:
            for member, content in (('a/net.onnx', CONTENT), ('a/b/other.onnx', b'other')):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize('name', ['x.zip', 'x.tar', 'x.tgz', 'x.tar.gz'])
def test_one_file_comes_out(tmp_path: Path, name: str) -> None:
    path = made(tmp_path, name)
    assert read_member(path, 'a/net.onnx') == CONTENT
    assert read_member(path, '*other.onnx') == b'other'
    assert read_member(path, '') == path.read_bytes()
    assert [found.name for found in tmp_path.iterdir()] == [name], 'nothing is unpacked'
    with pytest.raises(ModelError, match=r'has no file \*\.tflite: it is not the published'):
        read_member(path, '*.tflite')
    with pytest.raises(ModelError, match=r'has 2 files \*\.onnx'):
        read_member(path, '*.onnx')


@pytest.mark.parametrize('name', ['x.zip', 'x.tar', 'x.tgz'])
@pytest.mark.parametrize('damage', ['empty', 'half', 'page', 'flipped'])
def test_a_damaged_archive_is_one_sentence(tmp_path: Path, name: str, damage: str) -> None:
    path = made(tmp_path, name)
    content = bytearray(path.read_bytes())
    if damage == 'flipped':
        if name == 'x.tar':
            pytest.skip('a plain .tar has no sums of its contents: the sha256 finds it')
        content[80] ^= 0xFF
    path.write_bytes({
        'empty': b'', 'half': bytes(content[: len(content) // 2]),
        'page': b'<!doctype html>' * 100, 'flipped': bytes(content)}[damage])
    with pytest.raises(ModelError, match=f'{path} is damaged or locked .*remove it') as raised:
        read_member(path, 'a/net.onnx')
    assert '\n' not in str(raised.value)


def test_an_archive_with_a_password_is_one_sentence(tmp_path: Path) -> None:
    path = made(tmp_path, 'x.zip')
    content = bytearray(path.read_bytes())
    for mark, place in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + place] |= 1  # the flag of an encrypted file
            at = content.find(mark, at + 1)
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r'is damaged or locked .*password'):
        read_member(path, 'a/net.onnx')
