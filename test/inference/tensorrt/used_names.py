"""Every name of TensorRT that the package uses, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.inference.tensorrt.compat import ROLES


@dataclass(frozen=True)
class Use:
    """A use of ``owner.name``; owner '' is the module.

    `arguments`, `keywords` and `given` (paths of names among the arguments) are set for calls
    alone; `is_asked_for` marks what only hasattr looks at.
    """

    owner: str
    name: str
    place: str
    arguments: int | None = None
    keywords: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    is_written: bool = False
    is_asked_for: bool = False

    @property
    def path(self) -> str:
        return f'{self.owner}.{self.name}'.lstrip('.')


def uses(folder: Path) -> list[Use]:
    """Return all uses in the Python files of a folder."""
    return [use for path in sorted(folder.glob('*.py')) for use in _in_file(path)]


def _in_file(path: Path) -> Iterator[Use]:
    tree = ast.parse(path.read_text('utf-8'))
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        place = f'{path.name}:{getattr(node, "lineno", 0)}'
        if isinstance(node, ast.Attribute):
            owner = _type_of(node.value)
            if owner is None or (node.attr.startswith('__') and node.attr != '__init__'):
                continue
            call = called.get(id(node))
            if call is None:
                yield Use(owner, node.attr, place, is_written=isinstance(node.ctx, ast.Store))
            else:
                paths = (_type_of(argument) for argument in call.args)
                yield Use(owner, node.attr, place, len(call.args),
                          tuple(str(word.arg) for word in call.keywords),
                          tuple(filter(None, paths)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                and node.func.id in {'hasattr', 'getattr'}:
            owner, name = _type_of(node.args[0]), node.args[1]
            if owner is not None and isinstance(name, ast.Constant):
                yield Use(owner, str(name.value), place, is_asked_for=True)


def _type_of(node: ast.expr) -> str | None:
    """Return the TensorRT class of an expression by the name that it is called by."""
    if isinstance(node, ast.Name):
        return ROLES.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _type_of(node.value)
        if owner is not None:
            return f'{owner}.{node.attr}'.lstrip('.')
        return ROLES.get(node.attr.lstrip('_'))
    return None
