"""Finds the chosen sub-command, imports it alone, and turns its errors into exit codes.

A sub-command is a module of this package with `add_arguments(parser)` and `run(args) -> int`;
its docstring's first line is its help. A package without these two (`bench`) is a group of
further sub-commands; a package with them is a sub-command itself, and its modules with these two
are words after it (`train pose`), but for the one named `command`, which holds its own. Nothing
has to be registered. A module with `PASSES_ARGUMENTS_ON = True`
(`test`) gets everything after its name, unread, as `args.arguments`.

Discovery of other ROS processes stays on this machine unless the user has set it otherwise or
says `--lan`; the DDS profile follows from that where nodes start.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Protocol, cast

from neuropose_ros.core.errors import NeuroposeError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
_OWN = 'command'


class Command(Protocol):
    """What the module of a sub-command offers."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit code; a `NeuroposeError` exits with 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `neuropose ARGV` and return its exit code."""
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv), __package__, 'neuropose')
        sys.stdout.flush()
        return code
    except NeuroposeError as error:
        print(f'neuropose: {error}', file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(argv: list[str], package: str, prog: str) -> int:
    if not argv or argv[0] in {'-h', '--help'}:
        print(_overview(package, prog))
        return 0 if argv else EXIT_BAD_INPUT
    name = argv[0].replace('-', '_')
    spec = _specs(package).get(name)
    if spec is None or not (_is_command(spec) or _is_group(spec)):
        known = ', '.join(_commands(package)) or 'nothing yet'
        raise NeuroposeError(f'{prog} has no {argv[0]!r}. It has: {known}.')
    prog = f'{prog} {argv[0]}'
    if _is_group(spec) or _names_word(spec, f'{package}.{name}', argv[1:]):
        return _dispatch(argv[1:], f'{package}.{name}', prog)
    command = cast(Command, importlib.import_module(f'{package}.{name}'))
    return command.run(_parse(command, argv[1:], prog))


def _parse(command: Command, argv: list[str], prog: str) -> argparse.Namespace:
    if getattr(command, 'PASSES_ARGUMENTS_ON', False):
        return argparse.Namespace(arguments=argv)
    parser = argparse.ArgumentParser(
        prog=prog,
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--lan', action='store_true', help='find and be found by ROS processes on other machines'
    )
    command.add_arguments(parser)
    args = parser.parse_args(argv)
    _set_discovery(args.lan)
    return args


def _set_discovery(lan: bool) -> None:
    if lan:
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
        os.environ.pop('ROS_LOCALHOST_ONLY', None)
    elif not os.environ.get('ROS_LOCALHOST_ONLY'):
        os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


def _specs(package: str) -> dict[str, ModuleSpec]:
    """Every module directly inside a package, sorted, none of them imported."""
    infos = pkgutil.iter_modules(importlib.import_module(package).__path__)
    specs = ((info.name, info.module_finder.find_spec(info.name, None)) for info in infos)
    return {name: spec for name, spec in sorted(specs) if spec is not None}


def _commands(package: str) -> dict[str, ModuleSpec]:
    specs = _specs(package)
    return {name: spec for name, spec in specs.items() if _is_command(spec) or _is_group(spec)}


def _is_command(spec: ModuleSpec) -> bool:
    return {'add_arguments', 'run'} <= _public_names(_tree(spec))


def _is_group(spec: ModuleSpec) -> bool:
    return spec.submodule_search_locations is not None and not _is_command(spec)


def _names_word(spec: ModuleSpec, package: str, argv: list[str]) -> bool:
    if spec.submodule_search_locations is None or not argv or argv[0] == _OWN:
        return False
    word = _specs(package).get(argv[0].replace('-', '_'))
    return word is not None and _is_command(word)


def _tree(spec: ModuleSpec) -> ast.Module:
    return ast.parse(Path(spec.origin).read_text('utf-8') if spec.origin else '')


def _public_names(tree: ast.Module) -> set[str]:
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return names | {alias.asname or alias.name for node in imports for alias in node.names}


def _overview(package: str, prog: str) -> str:
    commands = _commands(package)
    width = max(map(len, commands), default=0)
    lines = [f'usage: {prog} COMMAND [ARGUMENTS]; {prog} COMMAND --help says more', '']
    for name, spec in commands.items():
        summary = (ast.get_docstring(_tree(spec)) or '').partition('\n')[0]
        lines.append(f'  {name:{width}}  {summary}')
    return '\n'.join(lines)


if __name__ == '__main__':
    sys.exit(main())
