"""From an ONNX file to a TensorRT plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.cache import write_atomically
from neuropose_ros.inference.checks import check_picture_input
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.precision import VARIANT_VERSION, HalfModel, half_precision
from neuropose_ros.inference.runtime import TensorSpec
from neuropose_ros.inference.tensorrt import compat
from neuropose_ros.inference.tensorrt.device import Gpu
from neuropose_ros.inference.tensorrt.key import BUILDER_VERSION, EngineKey
from neuropose_ros.inference.tensorrt.logger import Messages, shared_logger
from neuropose_ros.inference.tensorrt.network import model_sha256, read_inputs
from neuropose_ros.inference.tensorrt.probes import make_probes
from neuropose_ros.inference.tensorrt.profiles import InputShape, Profile, make_profiles
from neuropose_ros.inference.tensorrt.progress import progress_monitor
from neuropose_ros.inference.tensorrt.store import Built

PRECISIONS = ('fp16', 'fp32')
_SHOWN_NODES = 5


@dataclass(frozen=True)
class Request:
    """An engine that somebody wants.

    Attributes:
        batch: the largest batch.
        picture: the picture that the network takes; gives dynamic sizes and the probes.
    """

    model: Path
    precision: str
    batch: int
    picture: PictureInput
    inputs: tuple[InputShape, ...]
    profiles: tuple[Profile, ...]

    @classmethod
    def read(cls, model: Path, precision: str, batch: int, picture: PictureInput) -> Request:
        """Look into the ONNX file.

        Raises:
            ModelError: it is unreadable, does not say its shapes, or does not take the picture.
        """
        if precision not in PRECISIONS:
            raise ModelError(
                f'precision {precision!r} is not known; known are {", ".join(PRECISIONS)}')
        inputs = read_inputs(model)
        # Before a build, which takes minutes.
        check_picture_input(
            model.name, [TensorSpec(entry.name, entry.shape, entry.dtype) for entry in inputs],
            picture)
        profiles = make_profiles(model.name, inputs, picture, batch)
        return cls(model, precision, batch, picture, inputs, profiles)

    def key(self, trt: Any, gpu: Gpu) -> EngineKey:
        """Return what the engine is kept under."""
        return EngineKey(
            model=self.model.stem, model_sha256=model_sha256(self.model),
            tensorrt=trt.__version__, gpu=gpu, precision=self.precision, profiles=self.profiles,
            options={'builder': BUILDER_VERSION, 'variant': VARIANT_VERSION})


def build_plan(
    trt: Any, request: Request, timing_file: Path, announce: Callable[[str], None],
) -> Built:
    """Build a plan.

    Raises:
        ModelError: TensorRT cannot read or build the network; with its reason.
        OutOfMemoryError: the device has no room to build it.
        KeyboardInterrupt: the user stopped the build.
    """
    begin_s = time.monotonic()
    half = _half_model(request, announce) if request.precision == 'fp16' else None
    logger, log = shared_logger(trt)
    with log.collecting() as messages:
        try:
            builder = trt.Builder(logger)
        except TypeError as error:  # what the bindings make of a null pointer
            raise _refusal(request, 'start to build', messages) from error
        network = builder.create_network(compat.network_flags(trt))
        # The parser owns the weights: it has to live until the plan is made.
        parser = trt.OnnxParser(network, logger)
        _parse(parser, request, half, messages)
        config = builder.create_builder_config()
        compat.configure(trt, config, network, 'fp32' if half is None else 'fp16')
        _add_profiles(builder, config, request, messages)
        _load_timings(config, timing_file)
        monitor = progress_monitor(trt)
        compat.watch_progress(trt, config, monitor)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            if monitor is not None and monitor.interrupted:
                raise KeyboardInterrupt
            raise _refusal(request, 'build', messages)
        _save_timings(config, timing_file)
    return Built(bytes(memoryview(plan)), {
        'build_s': round(time.monotonic() - begin_s, 1),
        'computes_in': _computes_in(half),
        'layers_float16': 0 if half is None else half.layers_float16,
        'kept_float32': [] if half is None else list(half.kept_float32),
        'difference_to_float32': None if half is None else half.difference,
    })


def _computes_in(half: HalfModel | None) -> str:
    if half is None:
        return 'fp32'
    return 'fp16' if half.layers_float16 else 'the types of the file'


def _half_model(request: Request, announce: Callable[[str], None]) -> HalfModel | None:
    probes = make_probes(request.inputs, request.profiles[0].smallest, request.picture)
    try:
        return half_precision(request.model, probes)
    except ModelError as error:
        announce(f'{error}; building in float32 instead')
        return None


def _parse(parser: Any, request: Request, half: HalfModel | None, messages: Messages) -> None:
    if half is None or not half.layers_float16:  # by its path: weights may lie beside it
        done = parser.parse_from_file(str(request.model))
    else:
        done = parser.parse(half.content)
    if done:
        return
    said = [parser.get_error(index) for index in range(parser.num_errors)]
    reasons = [f'{parser_error.desc()} (node {parser_error.node()})' for parser_error in said]
    if half is None:
        unsupported = _unsupported_operators(parser, request.model)
        reasons += [f'not supported: {", ".join(unsupported)}'] if unsupported else []
    raise ModelError(
        f'TensorRT cannot read {request.model.name}: '
        f'{"; ".join(reasons) or messages.reason}. Run it with another runtime')


def _unsupported_operators(parser: Any, model: Path) -> list[str]:
    import onnx
    nodes = onnx.load(model, load_external_data=False).graph.node
    numbers = compat.unsupported_nodes(parser, model.read_bytes())
    found = [f'{nodes[number].op_type} {nodes[number].name}'.strip()
             for number in numbers if number < len(nodes)]
    more = len(found) - _SHOWN_NODES
    return [*found[:_SHOWN_NODES], f'and {more} more'] if more > 0 else found


def _add_profiles(builder: Any, config: Any, request: Request, messages: Messages) -> None:
    for shapes in request.profiles:
        profile = builder.create_optimization_profile()
        for name in shapes.smallest:
            profile.set_shape(
                name, shapes.smallest[name], shapes.tuned[name], shapes.largest[name])
        if config.add_optimization_profile(profile) < 0:
            raise _refusal(request, f'take the shapes {dict(shapes.largest)} for', messages)


def _load_timings(config: Any, timing_file: Path) -> None:
    try:
        content = timing_file.read_bytes()
    except OSError:
        content = b''
    timing_cache = config.create_timing_cache(content)
    if content and (timing_cache is None or not config.set_timing_cache(timing_cache, False)):
        # Of another device or driver: only time is lost.
        content, timing_cache = b'', config.create_timing_cache(b'')
    if not content and timing_cache is not None:
        config.set_timing_cache(timing_cache, False)


def _save_timings(config: Any, timing_file: Path) -> None:
    timing_cache = config.get_timing_cache()
    if timing_cache is not None:
        write_atomically(timing_file, bytes(memoryview(timing_cache.serialize())))


def _refusal(request: Request, what: str, messages: Messages) -> ModelError:
    if messages.out_of_memory:
        return OutOfMemoryError(
            f'the device has no room to {what} {request.model.name} for a batch of '
            f'{request.batch}: {messages.reason}')
    return ModelError(f'TensorRT cannot {what} {request.model.name}: {messages.reason}')
