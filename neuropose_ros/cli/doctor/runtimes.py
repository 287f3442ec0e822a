"""What networks run with, which of them `auto` takes, and why nothing better."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neuropose_ros.cli.doctor.findings import Ask, Finding, Status
from neuropose_ros.cli.doctor.packages import PIP, load_all

# In a process of its own: asking GPU libraries may crash.
_EXPLAIN = """
import dataclasses, json, sys
sys.path[:] = filter(None, sys.path)
from neuropose_ros.inference.select import explain
print(json.dumps([dataclasses.asdict(choice) for choice in explain()]))
"""
# Found without being loaded by `explain`: here they are loaded, each in a process of its own.
_OPTIONAL = {'OpenVINO': ('openvino', 'openvino'), 'LiteRT': ('ai_edge_litert', 'ai-edge-litert')}


@dataclass(frozen=True)
class Choice:
    """One way to run networks, as `neuropose_ros.inference.select.Choice`."""

    runtime: str
    title: str
    missing: str
    taken: bool


def ask_choices(ask: Ask) -> tuple[Choice, ...] | str:
    """Return every way to run networks in the order of ``auto``, or why it cannot be told."""
    answer = ask([sys.executable, '-c', _EXPLAIN])
    if answer is None:
        return f'{sys.executable} cannot be started'
    if answer.code:
        return (answer.error.strip() or f'it ended with {answer.code}').splitlines()[-1]
    return tuple(Choice(**choice) for choice in json.loads(answer.output.splitlines()[-1]))


def usable(choices: Sequence[Choice] | str) -> set[str]:
    """Return the runtimes that can be used."""
    if isinstance(choices, str):
        return set()
    return {choice.runtime for choice in choices if not choice.missing}


def check_runtimes(choices: Sequence[Choice] | str, ask: Ask) -> Iterator[Finding]:
    """Say what `auto` takes, what is passed over and why, and what does not load."""
    if isinstance(choices, str):
        yield Finding('backends', Status.BROKEN, f'none: {choices}')
        return
    by_format = {
        '.tflite': next((c for c in choices if c.taken and c.runtime == 'litert'), None),
        '.onnx': next((c for c in choices if c.taken and c.runtime != 'litert'), None),
    }
    if by_format['.onnx'] is None:
        detail = f'none for .onnx networks: {_reasons(choices)["cpu"]}'
        yield Finding('backends', Status.BROKEN, detail, f'{PIP} onnxruntime')
        return
    taken = ', '.join(
        f'{choice.title} for {suffix}' for suffix, choice in reversed(by_format.items()) if choice)
    yield Finding('backends', Status.OK, f'auto takes {taken}')
    reasons = _reasons(choices)
    if reasons:
        detail = '; '.join(f'{runtime}: {reason}' for runtime, reason in reasons.items())
        yield Finding('not there', Status.NOTE, detail)
    yield from _check_optional(choices, ask)


def _reasons(choices: Sequence[Choice]) -> Mapping[str, str]:
    """Return the first reason of each runtime that no choice provides."""
    present = usable(choices)
    reasons: dict[str, str] = {}
    for choice in choices:
        if choice.runtime not in present:
            reasons.setdefault(choice.runtime, choice.missing)
    return reasons


def _check_optional(choices: Sequence[Choice], ask: Ask) -> Iterator[Finding]:
    present = {choice.title for choice in choices if not choice.missing}
    modules = {title: names for title, names in _OPTIONAL.items() if title in present}
    loads = load_all([module for module, _ in modules.values()], ask)
    for title, (module, requirement) in modules.items():
        load = loads[module]
        if load.error:
            yield Finding(
                title, Status.WARNING, f'installed, but does not load: {load.error}',
                f'{PIP} --force-reinstall {requirement}')
        else:
            yield Finding(title, Status.OK, load.lines[0])
