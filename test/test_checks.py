"""The static checks, as tests: style, types and the floors of the house."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    'command',
    [
        pytest.param([sys.executable, '-m', 'ruff', 'check', '--quiet', '.'], id='ruff'),
        pytest.param([sys.executable, '-m', 'mypy', '--no-error-summary'], id='mypy'),
        pytest.param(['lint-imports', '--no-logo'], id='floors'),
    ],
)
@pytest.mark.timeout(300)
def test_source_tree_passes(command: list[str], source_root: Path) -> None:
    if command[0] == 'lint-imports':
        command = [str(Path(sys.executable).with_name('lint-imports')), *command[1:]]
    done = subprocess.run(command, cwd=source_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f'\n{done.stdout}{done.stderr}'
