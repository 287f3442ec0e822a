"""Which runtime a network gets: the fastest that this machine has, or the one asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.checks import check_picture_input
from neuropose_ros.inference.litert import REQUIREMENT as LITERT_REQUIREMENT
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.providers import TITLES, provider_missing
from neuropose_ros.inference.runtime import Runtime

RUNTIMES = ('auto', 'tensorrt', 'cuda', 'openvino', 'cpu', 'litert')


@dataclass(frozen=True)
class Choice:
    """One way to run networks, and whether it is there.

    Attributes:
        runtime: one of `RUNTIMES`.
        title: for people.
        missing: why it cannot be used; '' = it can.
        taken: ``auto`` takes it, for .tflite files or for all others.
    """

    runtime: str
    title: str
    missing: str
    taken: bool


@dataclass(frozen=True)
class _Wish:
    precision: str
    batch: int
    input: PictureInput | None
    threads: int
    announce: Announce


@dataclass(frozen=True)
class _Candidate:
    runtime: str
    title: str
    missing: Callable[[], str]
    load: Callable[[Path, _Wish], Runtime]


def create_runtime(
    model: Path, *, runtime: str = 'auto', precision: str = 'fp16', batch: int = 1,
    input: PictureInput | None = None, threads: int = 0,
    announce: Announce = announce_on_stderr,
) -> Runtime:
    """Load a network; what is taken and why nothing better is said once for each file.

    Where several would do, one that fails to load is passed over, and that is said.

    Args:
        model: an .onnx or .tflite file; LiteRT runs the latter.
        runtime: one of `RUNTIMES`; ``auto`` = the first of them that is there.
        precision: ``fp16`` or ``fp32``; only TensorRT heeds it.
        batch: the largest that will be asked for; only TensorRT must know it beforehand.
        input: the picture that the network is said to take, which is checked; TensorRT needs it.
        threads: of the processor; 0 = what the machine has to spare.
        announce: takes one sentence for people.

    Raises:
        ParameterError: the runtime or precision is unknown, or does not run such files.
        ModelError: the runtime is not there, or cannot load the file, or the file does not take
            the picture that it is said to take.
        OutOfMemoryError: the device has no room for the network.
    """
    wish = _Wish(precision, batch, input, threads, announce)
    candidates = _candidates(model, runtime)
    if precision not in {'fp16', 'fp32'}:
        raise ParameterError(f'unknown precision {precision!r}: fp16 or fp32')
    passed: dict[str, str] = {}
    last_error: ModelError | None = None
    for candidate in candidates:
        missing = candidate.missing()
        if missing:
            passed.setdefault(candidate.runtime, missing)
            continue
        if last_error is not None:
            announce(f'{last_error}; {model.name} is tried with {candidate.title} instead')
        try:
            loaded = candidate.load(model, wish)
        except ModelError as error:
            last_error = error
            passed[candidate.runtime] = f'did not load {model.name}'
            continue
        _check_input(loaded, model, input)
        reasons = _listed(passed) if runtime == 'auto' else ''
        _SAID.taken(model, candidate.title, reasons, announce)
        return loaded
    raise last_error or ModelError(f'{model.name} cannot be run: {_listed(passed)}')


def _check_input(loaded: Runtime, model: Path, input: PictureInput | None) -> None:
    if input is None:
        return
    try:
        check_picture_input(model.name, loaded.inputs, input)
    except ModelError:
        loaded.close()
        raise


def explain() -> list[Choice]:
    """Return every way to run networks, in the order in which ``auto`` tries them."""
    choices = []
    for candidates in (_FOR_ONNX, _FOR_TFLITE):
        found = False
        for candidate in candidates:
            missing = candidate.missing()
            taken = not missing and not found
            found = found or taken
            choices.append(Choice(candidate.runtime, candidate.title, missing, taken))
    return choices


def _candidates(model: Path, runtime: str) -> tuple[_Candidate, ...]:
    if runtime not in RUNTIMES:
        raise ParameterError(f'unknown runtime {runtime!r}; known are {", ".join(RUNTIMES)}')
    is_tflite = model.suffix.lower() == '.tflite'
    candidates = _FOR_TFLITE if is_tflite else _FOR_ONNX
    # LiteRT is what the processor runs such files with.
    wanted = 'litert' if is_tflite and runtime == 'cpu' else runtime
    chosen = tuple(c for c in candidates if wanted in ('auto', c.runtime))
    if not chosen:
        able = ', '.join(dict.fromkeys(candidate.runtime for candidate in candidates))
        raise ParameterError(
            f'{model.name} does not run with {runtime}: {model.suffix} files run with {able}')
    return chosen


def _listed(reasons: Mapping[str, str]) -> str:
    titles = {**TITLES, 'litert': 'LiteRT'}
    return '; '.join(f'{titles[runtime]}: {reason}' for runtime, reason in reasons.items())


class _Said:
    """What was said in this process."""

    def __init__(self) -> None:
        self._files: set[tuple[Path, str]] = set()
        self._reasons = {''}

    def taken(self, model: Path, title: str, reasons: str, announce: Announce) -> None:
        """Say what a file runs with, once; why nothing better, once for all files."""
        if (model, title) in self._files:
            return
        self._files.add((model, title))
        why = '' if reasons in self._reasons else f' ({reasons})'
        self._reasons.add(reasons)
        announce(f'{model.name} runs with {title}{why}')


_SAID = _Said()


def _module_missing(module: str, requirement: str) -> str:
    if importlib.util.find_spec(module) is not None:
        return ''
    return f'not installed (pip install {requirement})'


def _tensorrt_missing() -> str:
    from neuropose_ros.inference.tensorrt.available import tensorrt_available
    return tensorrt_available()


def _tensorrt(model: Path, wish: _Wish) -> Runtime:
    from neuropose_ros.inference.tensorrt.runtime import TensorRtRuntime
    if wish.input is None:
        raise ModelError(f'TensorRT must know what picture {model.name} takes')
    return TensorRtRuntime(
        model, precision=wish.precision, batch=wish.batch, input=wish.input,
        announce=wish.announce)


def _onnx_runtime(provider: str, model: Path, wish: _Wish) -> Runtime:
    from neuropose_ros.inference.onnx import OnnxRuntime
    return OnnxRuntime(
        model, threads=wish.threads, provider=provider, precision=wish.precision)


def _openvino(model: Path, wish: _Wish) -> Runtime:
    from neuropose_ros.inference.openvino import OpenVinoRuntime
    return OpenVinoRuntime(model, threads=wish.threads)


def _litert(model: Path, wish: _Wish) -> Runtime:
    from neuropose_ros.inference.litert import LiteRtRuntime
    return LiteRtRuntime(model, threads=wish.threads)


def _provider(name: str) -> _Candidate:
    return _Candidate(
        name, f'ONNX Runtime on {TITLES[name]}', partial(provider_missing, name),
        partial(_onnx_runtime, name))


_FOR_ONNX = (
    _Candidate('tensorrt', 'TensorRT', _tensorrt_missing, _tensorrt),
    _provider('tensorrt'),
    _provider('cuda'),
    _Candidate(
        'openvino', 'OpenVINO', partial(_module_missing, 'openvino', 'openvino'), _openvino),
    _provider('openvino'),
    _provider('cpu'),
)
_FOR_TFLITE = (
    _Candidate(
        'litert', 'LiteRT', partial(_module_missing, 'ai_edge_litert', LITERT_REQUIREMENT),
        _litert),
)
