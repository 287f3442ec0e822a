"""One file out of an archive, without unpacking the rest."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from neuropose_ros.core.errors import ModelError

_ZIPPED = {'.zip', '.whl'}
# RuntimeError: a password is wanted, or a compression that zipfile does not know. ValueError: the
# numbers of a header lead nowhere.
_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
           RuntimeError, ValueError)


def read_member(archive: Path, member: str) -> bytes:
    """Return the content of a file in a .zip, .whl or .tar archive, compressed or not.

    Args:
        archive: the archive.
        member: path inside it, * and ? match; '' = the archive itself is the file.

    Raises:
        ModelError: the archive is damaged, or not exactly one file in it has that path.
    """
    try:
        if not member:
            return archive.read_bytes()
        if archive.suffix in _ZIPPED:
            with zipfile.ZipFile(archive) as opened:
                names = [info.filename for info in opened.infolist() if not info.is_dir()]
                return opened.read(_only(names, member, archive))
        with tarfile.open(archive) as tar:
            files = [info.name for info in tar.getmembers() if info.isfile()]
            content = tar.extractfile(_only(files, member, archive))
            return content.read() if content else b''
    except _ERRORS as error:
        said = ' '.join(str(error).split())
        raise ModelError(
            f'{archive} is damaged or locked ({said}): remove it and try again') from error


def _only(names: Sequence[str], member: str, archive: Path) -> str:
    found = [name for name in names if fnmatchcase(name, member)]
    if len(found) != 1:
        what = f'{len(found)} files' if found else 'no file'
        raise ModelError(f'{archive} has {what} {member}: it is not the published archive')
    return found[0]
