"""The half of the stand-in that reads ONNX files and builds plans; see standin.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx

from .standin_run import data_type


class Builder:
    __slots__ = ('_logger',)

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def create_network(self, flags: int = 0) -> Any:
        self._trt.world.network_flags = flags
        return self._trt.INetworkDefinition()

    def create_builder_config(self) -> Any:
        return self._trt.IBuilderConfig(self._logger)

    def create_optimization_profile(self) -> Any:
        return self._trt.IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> bytes | None:
        world = self._trt.world
        world.builds += 1
        monitor = getattr(config, 'progress_monitor', None)
        if monitor is not None:
            monitor.phase_start('Building', None, 2)
            monitor.phase_start('Tuning', 'Building', 1)
            if not monitor.step_complete('Tuning', 0):
                return None
            monitor.phase_finish('Tuning')
            monitor.phase_finish('Building')
        if world.build_error:
            world.say(self._logger, world.build_error)
            return None
        world.pinned_layers = sum(layer._pinned() for layer in network._layers)
        header = {'version': world.version, 'profiles': config._profiles}
        return json.dumps(header).encode() + b'\n' + network._onnx


class IBuilderConfig:
    __slots__ = ('_cache', '_logger', '_profiles', 'progress_monitor')

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._profiles: list[Any] = []
        self._cache: Any = None

    def set_flag(self, flag: Any) -> None:
        self._trt.world.flags.append(f'+{flag.name}')

    def clear_flag(self, flag: Any) -> None:
        self._trt.world.flags.append(f'-{flag.name}')

    def set_preview_feature(self, feature: Any, enable: bool) -> None:
        self._trt.world.flags.append(f'+{feature.name}')

    def add_optimization_profile(self, profile: Any) -> int:
        self._profiles.append(profile._shapes)
        return len(self._profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> Any:
        return self._trt.ITimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        if cache._content and cache._content != b'timings':
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache


class ITimingCache:
    __slots__ = ('_content',)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> bytes:
        return b'timings'


class IOptimizationProfile:
    __slots__ = ('_shapes',)

    def __init__(self) -> None:
        self._shapes: dict[str, Any] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[input] = [list(min), list(opt), list(max)]


class INetworkDefinition:
    __slots__ = ('_layers', '_onnx')

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    def get_layer(self, index: int) -> Any:
        return self._layers[index]


class ITensor:
    __slots__ = ('dtype',)


class ILayer:
    __slots__ = ('_inputs', '_outputs', 'precision')

    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    def get_input(self, index: int) -> Any:
        return self._inputs[index]

    def get_output(self, index: int) -> Any:
        return self._outputs[index]

    def _pinned(self) -> bool:
        return getattr(self, 'precision', None) is not None


class ParserError:
    __slots__ = ('_desc', '_node')

    def desc(self) -> str:
        return self._desc

    def node(self) -> int:
        return self._node


class OnnxParser:
    __slots__ = ('_errors', '_network', '_unknown')

    def __init__(self, network: Any, logger: Any) -> None:
        self._network = network
        self._errors: list[Any] = []

    def parse(self, model: bytes, path: str | None = None) -> bool:
        self._trt.world.parsed = bytes(model)
        graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(bytes(model))).graph
        self._unknown = [i for i, node in enumerate(graph.node)
                         if node.domain or not onnx.defs.has(node.op_type)]
        for number in self._unknown:
            error = self._trt.ParserError()
            error._desc, error._node = f'no importer for {graph.node[number].op_type}', number
            self._errors.append(error)
        kinds = {value.name: value.type.tensor_type.elem_type
                 for value in (*graph.value_info, *graph.input, *graph.output)}
        self._network._onnx = bytes(model)
        self._network._layers = [self._layer(node, kinds) for node in graph.node]
        return not self._unknown

    def _layer(self, node: Any, kinds: dict[str, int]) -> Any:
        layer = self._trt.ILayer()
        layer._inputs = [self._tensor(kinds[name]) for name in node.input if name in kinds]
        layer._outputs = [self._tensor(kinds[name]) for name in node.output if name in kinds]
        return layer

    def _tensor(self, kind: int) -> Any:
        tensor = self._trt.ITensor()
        tensor.dtype = data_type(self._trt, kind)
        return tensor

    def parse_from_file(self, model: str) -> bool:
        return self.parse(Path(model).read_bytes())

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> Any:
        return self._errors[index]

    def supports_model(self, model: bytes, path: str | None = None) -> Any:
        return not self._unknown, [([number], False) for number in self._unknown]

    def supports_model_v2(self, model: bytes, path: str | None = None) -> bool:
        return not self._unknown

    @property
    def num_subgraphs(self) -> int:
        return len(self._unknown)

    def is_subgraph_supported(self, index: int) -> bool:
        return False

    def get_subgraph_nodes(self, index: int) -> list[int]:
        return [self._unknown[index]]
