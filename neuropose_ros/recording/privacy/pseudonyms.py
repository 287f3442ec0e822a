"""Subjects under keyed pseudonyms: only who has the key can tell whose data these are.

A pseudonym is HMAC-SHA256 (RFC 2104) of the subject's name or number. Without the key it can
neither be computed nor guessed by trying all patients of a hospital, which a plain hash allows.
The key is a file that lies outside the data. Whoever loses it cannot find a subject by name any
more; whoever copies it beside the data has no pseudonyms.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from neuropose_ros.core.errors import PrivacyError

KEY_VARIABLE = 'NEUROPOSE_SUBJECT_KEY'
_KEY_BYTES = 32
_KEY_TEXT = re.compile(rf'[0-9a-f]{{{2 * _KEY_BYTES}}}')
# 80 bits: two of a million subjects share a pseudonym with a chance below 1e-12.
_PSEUDONYM_BYTES = 10
_PSEUDONYM = re.compile(r's-[a-z2-7]{16}')


@dataclass(frozen=True)
class SubjectKey:
    """The secret behind the pseudonyms.

    Attributes:
        secret: 32 random bytes; never printed.
        path: where it was read from.
    """

    secret: bytes = field(repr=False)
    path: Path

    @property
    def id(self) -> str:
        """8 hex digits that tell keys apart and say nothing about the secret."""
        return hmac.digest(self.secret, b'neuropose key id', hashlib.sha256).hex()[:8]

    def pseudonym(self, subject: str) -> str:
        """Return the pseudonym of a subject; letter case and outer spaces make no difference.

        Args:
            subject: a name or number as the lab uses it. A pseudonym stays what it is.

        Raises:
            PrivacyError: it is empty.
        """
        known = unicodedata.normalize('NFKC', ' '.join(subject.split())).casefold()
        if not known:
            raise PrivacyError('a subject needs a name or number; it was empty')
        if is_pseudonym(known):
            return known
        digest = hmac.digest(self.secret, b'neuropose subject\0' + known.encode(), hashlib.sha256)
        return 's-' + base64.b32encode(digest[:_PSEUDONYM_BYTES]).decode().lower()


def is_pseudonym(text: str) -> bool:
    """Whether a text has the form of a pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def key_path() -> Path:
    """Return $NEUROPOSE_SUBJECT_KEY, else neuropose/subject.key in the user's configuration.

    Raises:
        PrivacyError: none is set and the user has no home.
    """
    try:
        chosen = os.environ.get(KEY_VARIABLE)
        if chosen:
            return Path(chosen).expanduser().absolute()
        base = Path(os.environ.get('XDG_CONFIG_HOME') or '')
        if not base.is_absolute():  # the XDG specification: a relative path is to be ignored
            base = Path.home() / '.config'
        return base / 'neuropose' / 'subject.key'
    except RuntimeError as error:
        raise PrivacyError(
            f'there is no place for the key of the subjects ({error}): set {KEY_VARIABLE} to the '
            'path of a file') from None


def load_key(*, store: Path | None = None, create: bool = True) -> SubjectKey:
    """Read the key; the first time, make it.

    Args:
        store: a folder with data; a key inside of it is refused.
        create: False = a key that is not there is an error, as where old pseudonyms are wanted.

    Raises:
        PrivacyError: others can read the key, it is damaged, it lies in ``store``, it cannot be
            made, or it is not there.
    """
    path = key_path()
    if store is not None and path.resolve().is_relative_to(store.resolve()):
        raise PrivacyError(
            f'the key {path} lies in {store}, beside the data that it protects: move it out and '
            f'set {KEY_VARIABLE} to its new place')
    if create:
        _create(path)
    return SubjectKey(_read(path), path)


def _create(path: Path) -> None:
    """Make the key unless it is there; of two processes at the same time one does."""
    if path.exists():
        return
    part = path.with_name(f'{path.name}.{secrets.token_hex(4)}')
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, 'w', encoding='ascii') as file:
                file.write(secrets.token_hex(_KEY_BYTES) + '\n')
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(part, path)  # a whole key or none, and never over another one
        finally:
            part.unlink()
    except OSError as error:
        raise PrivacyError(
            f'the key {path} cannot be made ({error.strerror}): set {KEY_VARIABLE} to a file that '
            'can') from error


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text('ascii').strip()
    except FileNotFoundError:
        raise PrivacyError(
            f'there is no key at {path}, so pseudonyms cannot be told: set {KEY_VARIABLE} to the '
            'key that the sessions were recorded with') from None
    except (OSError, UnicodeDecodeError) as error:
        raise PrivacyError(f'the key {path} cannot be read ({error})') from error
    if stat.S_IMODE(mode) & 0o077:
        raise PrivacyError(f'others can read the key {path}: chmod 600 {path}')
    if not _KEY_TEXT.fullmatch(text):
        raise PrivacyError(
            f'{path} is no key: it must hold {2 * _KEY_BYTES} hex digits; restore it from where '
            'you keep its copy')
    return bytes.fromhex(text)
