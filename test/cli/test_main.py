"""The `neuropose` command finds sub-commands, imports one, and turns errors into exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neuropose_ros import cli
from neuropose_ros.cli import main as command_line

SUBCOMMAND = '''"""{summary}"""
from neuropose_ros.core.errors import NeuroposeError

def add_arguments(parser):
    parser.add_argument('--number', type=int, default=1)

def run(args):
    {body}
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Add sub-commands to the real ones; the names are used once, as modules stay imported."""
    monkeypatch.setattr(cli, '__path__', [*cli.__path__, str(tmp_path)])
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', '')

    def add(name: str, body: str, summary: str = 'Summary.\n\nDetails.') -> None:
        path = tmp_path / f'{name}.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text(SUBCOMMAND.format(summary=summary, body=body))

    return add


def test_runs_the_module_of_that_name(install: Callable[..., None]) -> None:
    install('extra_number', 'return args.number')
    assert command_line.main(['extra-number', '--number', '7']) == 7


def test_overview_names_every_subcommand(
    install: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    install('extra_listed', 'return 0', summary='Do a listed thing.\n\nNot this.')
    assert command_line.main(['--help']) == 0
    shown = capsys.readouterr().out
    assert 'extra_listed' in shown and 'Do a listed thing.' in shown and 'Not this' not in shown
    assert command_line.main([]) == 2


def test_imports_the_chosen_one_alone(install: Callable[..., None]) -> None:
    install('extra_broken', 'return 0')
    install('extra_sound', 'return 0')
    Path(cli.__path__[-1], 'extra_broken.py').write_text(
        'def add_arguments(parser): ...\ndef run(args): ...\nraise SystemError\n'
    )
    assert command_line.main(['extra-sound']) == 0
    with pytest.raises(SystemError):
        command_line.main(['extra-broken'])


def test_unknown_name_lists_what_there_is(
    install: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    install('extra_known', 'return 0')
    assert command_line.main(['nonesuch']) == 2
    error = capsys.readouterr().err
    assert "no 'nonesuch'" in error and 'extra_known' in error
    assert 'main' not in error


def test_groups_have_subcommands_of_their_own(
    install: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    install('extra_group/inner', 'return 5')
    Path(cli.__path__[-1], 'extra_group', '__init__.py').write_text('"""A group."""\n')
    assert command_line.main(['extra-group', 'inner']) == 5
    assert command_line.main(['extra-group', 'outer']) == 2
    assert 'It has: inner.' in capsys.readouterr().err


def test_commands_have_further_words(install: Callable[..., None]) -> None:
    install('extra_words/__init__', 'return 3')
    install('extra_words/command', 'return 4')
    install('extra_words/other', 'return 5')
    Path(cli.__path__[-1], 'extra_words', 'private.py').write_text('raise SystemError\n')
    assert command_line.main(['extra-words']) == 3
    assert command_line.main(['extra-words', 'other', '--number', '2']) == 5
    with pytest.raises(SystemExit):  # not words, and the command takes no such argument
        command_line.main(['extra-words', 'command'])
    with pytest.raises(SystemExit):
        command_line.main(['extra-words', 'private'])


@pytest.mark.parametrize(
    ('body', 'code', 'said'),
    [
        ("raise NeuroposeError('no such clip')", 2, 'neuropose: no such clip\n'),
        ('raise KeyboardInterrupt', 130, ''),
    ],
)
def test_errors_become_exit_codes(
    body: str,
    code: int,
    said: str,
    install: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(f'extra_error_{code}', body)
    assert command_line.main([f'extra-error-{code}']) == code
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ('arguments', 'before', 'after'),
    [
        ([], None, 'LOCALHOST'),
        ([], 'SUBNET', 'SUBNET'),
        (['--lan'], None, 'SUBNET'),
        (['--lan'], 'LOCALHOST', 'SUBNET'),
    ],
)
def test_discovery_is_the_users_or_this_machines(
    arguments: list[str],
    before: str | None,
    after: str,
    install: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE')
    monkeypatch.delenv('ROS_LOCALHOST_ONLY', raising=False)
    if before:
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', before)
    install('extra_discovery', 'return 0')
    assert command_line.main(['extra-discovery', *arguments]) == 0
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == after


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'neuropose_ros', 'nonesuch'],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("neuropose: neuropose has no 'nonesuch'")
    assert 'doctor' in done.stderr


def test_reader_that_has_seen_enough_is_no_error() -> None:
    # `true` reads nothing, and has ended by the time that the command writes.
    command = f'sleep 0.3; unset PYTHONUNBUFFERED; exec {sys.executable} -m neuropose_ros --help'
    piped = f'({command}) | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ['bash', '-c', piped], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stdout, done.stderr) == ('0\n', '')
