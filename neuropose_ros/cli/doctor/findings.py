"""What a check returns, and how checks ask other programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How much a finding matters."""

    OK = 'ok'
    NOTE = 'note'
    WARNING = 'warning'
    BROKEN = 'broken'


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        topic: what was looked at, in a word or two.
        detail: what was found, in one sentence or a list of values.
        fix: the one line that puts it right; empty where nothing has to be.
    """

    topic: str
    status: Status
    detail: str
    fix: str = ''


@dataclass(frozen=True)
class Answer:
    """What another program said."""

    code: int
    output: str
    error: str


Ask = Callable[[Sequence[str]], Answer | None]
"""Runs a command; None when there is no such program."""


def ask(command: Sequence[str], timeout_s: float = 60.0) -> Answer | None:
    """Run a command; a program that does not answer in time counts as failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except (FileNotFoundError, PermissionError):
        return None
    except subprocess.TimeoutExpired:
        return Answer(124, '', f'no answer within {timeout_s:g} s')
    return Answer(done.returncode, done.stdout, done.stderr)
