"""Every name, enumeration and call of TensorRT that is used, against the published bindings.

They are fetched into the user's cache the first time, a megabyte each; see bindings.py.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import neuropose_ros.inference.tensorrt as package

from . import bindings, standin
from .used_names import Use, uses

USES = uses(Path(package.__file__).parent)


@cache
def tried(version: str) -> dict[str, Any] | str:
    """Return what there is, or the reason of a skip: tried once, not once for each test."""
    try:
        return bindings.describe(version)
    except pytest.skip.Exception as skipped:
        return str(skipped)


def described(version: str) -> dict[str, Any]:
    found = tried(version)
    return found if isinstance(found, dict) else pytest.skip(found)


@pytest.fixture(params=standin.VERSIONS)
def real(request: pytest.FixtureRequest) -> Any:
    found = described(request.param)
    assert found['version'].startswith(request.param)
    return request.param, found


def members(found: dict[str, Any], owner: str) -> set[str]:
    return set(found['names'] if not owner else found['classes'].get(owner, ()))


def test_the_list_of_uses_is_not_short() -> None:
    paths = {use.path for use in USES}
    assert len(paths) > 70, sorted(paths)
    assert {'IExecutionContext.execute_async_v3', 'Builder', 'ILogger.Severity.ERROR',
            'IExecutionContext.set_device_memory', 'BuilderFlag.FP16', 'ParserError.desc',
            'IBuilderConfig.progress_monitor', 'DataType.FLOAT', 'ILayer.precision'} <= paths


def test_every_name_is_there_or_known_to_be_absent(real: Any) -> None:
    version, found = real
    wrong = []
    for use in USES:
        there = use.name in members(found, use.owner)
        absent = {use.path, use.owner} & set(standin.ABSENT[version])
        if there == bool(absent):
            wrong.append(f'{use.place}: {use.path} is {"there" if there else "not there"}')
    assert not wrong


def test_every_call_fits_a_signature(real: Any) -> None:
    version, found = real
    calls = [use for use in USES if use.arguments is not None
             and use.name in members(found, use.owner)
             and not any(path.startswith(standin.ABSENT[version]) for path in use.given)]
    assert len(calls) > 40
    assert not [f'{use.place}: {use.path} with {use.arguments} arguments' for use in calls
                if not fits(use, found)]


def fits(use: Use, found: dict[str, Any]) -> bool:
    owner, name = use.owner, use.name
    if not owner:  # a class is made
        owner, name = use.name, '__init__'
    entry = found['classes'][owner][name]
    # ``Base.__init__(self)`` names the object that other calls leave out.
    given = (use.arguments or 0) - (use.name == '__init__')
    return entry['kind'] == 'callable' and any(
        required <= given + len(use.keywords) <= len(names) and set(use.keywords) <= set(names)
        for names, required in signatures(entry['signatures'], name))


def signatures(doc: str, name: str) -> list[tuple[list[str], int]]:
    """Return names of the arguments, and how many must be given, of each overload."""
    found = []
    for line in doc.splitlines():
        match = re.match(rf'(?:\d+\. )?{re.escape(name)}\((.*)\) -> ', line)
        if match:
            # Commas inside of types and defaults separate nothing.
            flat, depth = '', 0
            for letter in match[1]:
                depth += (letter in '[(<') - (letter in '])>')
                flat += letter if not depth else ''
            arguments = [part.strip() for part in flat.split(',') if part.strip()]
            arguments = [part for part in arguments if not part.startswith('self')]
            found.append(([re.split('[:=]', part)[0].strip() for part in arguments],
                          sum('=' not in part for part in arguments)))
    return found


def test_what_is_written_can_be_and_what_is_read_is_no_method(real: Any) -> None:
    _, found = real
    for use in USES:
        entry = found['classes'].get(use.owner, {}).get(use.name)
        if entry is None or use.arguments is not None or use.is_asked_for:
            continue
        is_class = use.path in found['classes']
        if use.is_written:
            assert entry['settable'], use
        else:
            assert entry['kind'] != 'callable' or is_class, use


def test_the_stand_in_has_nothing_that_the_version_lacks(real: Any) -> None:
    version, found = real
    trt = standin.make(version)
    public = {name for name in vars(trt) if not name.startswith('_')} - {'world'}
    assert public <= set(found['names'])
    for name in public:
        cls = getattr(trt, name)
        extra = {member for member in vars(cls) if not member.startswith('_')} - members(
            found, name)
        assert not extra, f'{name}: {extra}'


def test_methods_of_the_stand_in_take_what_the_real_ones_take(real: Any) -> None:
    version, found = real
    trt = standin.make(version)
    for name, cls in vars(trt).items():
        if name.startswith('_') or not inspect.isclass(cls) or name in standin._ENUMS:
            continue
        for member, value in vars(cls).items():
            if member.startswith('_') or not inspect.isfunction(value):
                continue
            mine = list(inspect.signature(value).parameters)[1:]
            theirs = [names for names, _ in
                      signatures(found['classes'][name][member]['signatures'], member)]
            assert any(mine == names[:len(mine)] for names in theirs), (name, member, theirs)


def test_the_bits_of_the_flags_are_those_of_the_version(real: Any) -> None:
    version, found = real
    name = 'EXPLICIT_BATCH' if version == '8.6.1' else 'STRONGLY_TYPED'
    assert found['ours']['network_flags'] == 1 << found['bits'][name]


def test_our_subclasses_live_on_the_real_classes(real: Any) -> None:
    _, found = real
    ours = found['ours']
    assert ours['reason'] == 'ERROR; INTERNAL_ERROR'
    assert ours['allocator'] and ours['goes_on'] and ours['float32'] == 'FLOAT'
    # The empty libraries give null pointers, as TensorRT does where there is no driver.
    assert 'TensorRT does not work here' in ours['without_libraries']


def test_strongly_typed_moved() -> None:
    bits = {version: described(version)['bits'] for version in ('10.16.1', '11.4.0')}
    assert bits['10.16.1']['STRONGLY_TYPED'] != bits['11.4.0']['STRONGLY_TYPED']
