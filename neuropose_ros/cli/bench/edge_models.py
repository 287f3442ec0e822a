"""Each small model in float32, half precision and int8, on one thread and on two."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.cli.bench.edge_environment import EdgeEnvironment
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import expand, is_here, model_path
from neuropose_ros.inference.ops.device import Image
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.precision import half_precision
from neuropose_ros.pose.create import network_names
from neuropose_ros.pose.geometry import letterbox

PRECISIONS = ('float32', 'fp16', 'int8')
_FILL = 114.0
_PROBES = 16
_HALF_TOLERANCE = 0.05
_LITERT = 'ai-edge-litert'
Registry = Mapping[str, ModelEntry]


@dataclass(frozen=True)
class Variant:
    """A model in one precision.

    Attributes:
        model: as it was asked for.
        precision: of its weights.
        name: the entry that runs.
        replaced: entries whose network is another file here.
        extra: distributions that it needs beside the requirements.
        note: what else to know, or why it does not run.
    """

    model: str
    precision: str
    name: str
    replaced: Mapping[str, Path] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    note: str = ''


@dataclass(frozen=True)
class Pictures:
    """What the models look at.

    Attributes:
        path: of the array (N, H, W, 3) uint8 BGR.
        frames: how many are looked at, there and back; the first ``warm_up`` are not timed.
    """

    path: Path
    frames: int
    warm_up: int

    def some(self) -> list[Image]:
        """Return a few, evenly spread."""
        images = np.load(self.path)
        return [images[i] for i in np.linspace(0, len(images) - 1, _PROBES).astype(int)]


def missing(name: str, registry: Registry) -> str:
    """Return why a model cannot be run here, '' = it can."""
    if name not in registry:
        return 'not in the list of models'
    absent = [network for network in network_names(name, registry=registry)
              if not is_here(registry[network], registry, cache_folder())]
    return '' if not absent else (
        f'{" and ".join(absent)} not here: ./neuropose models fetch {" ".join(absent)}')


def variants(
    name: str, registry: Registry, pictures: Pictures, folder: Path,
) -> list[Variant]:
    """Return a model's precisions: those that were exported with it, else made here.

    What is made here is calibrated on ``pictures``; how well it does is for `deviation` to say.
    """
    exported = {precision: f'{name}-{precision}' for precision in PRECISIONS[1:]
                if f'{name}-{precision}' in registry}
    paths = {part: model_path(registry[part], cache_folder())
             for part in expand([name], registry)}
    if any(path.suffix == '.tflite' for path in paths.values()):
        precision = name.rpartition('-')[2]
        return [Variant(name, precision if precision in PRECISIONS else 'float32', name,
                        extra=(_LITERT,), note=f'published as .tflite: needs {_LITERT}, too')]
    found = [Variant(name, PRECISIONS[0], name)]
    if exported:
        return [*found, *(Variant(name, precision, other)
                          for precision, other in exported.items())]
    for precision, make in (('fp16', _half), ('int8', _int8)):
        made = {part: folder / f'{part}-{precision}.onnx' for part in paths}
        try:
            for part, path in paths.items():
                made[part].write_bytes(make(path, _probes(registry[part], pictures.some())))
        except NeuroposeError as error:
            found.append(Variant(name, precision, '', note=str(error)))
        else:
            found.append(Variant(name, precision, name, made, note='made by this bench'))
    return found


def _probes(entry: ModelEntry, images: Sequence[Image]) -> NDArray[Any]:
    target, ops = entry.input, HostOps()
    return np.concatenate([
        ops.crops(image, letterbox(image.shape[1], image.shape[0], target.width,
                                   target.height)[np.newaxis], target, _FILL)
        for image in images])


def _half(path: Path, probes: NDArray[Any]) -> bytes:
    from neuropose_ros.inference.onnx import OnnxRuntime

    network = OnnxRuntime(path, threads=1)
    name = network.inputs[0].name
    network.close()
    return half_precision(path, [{name: probes[i:i + 1]} for i in range(4)],
                          _HALF_TOLERANCE).content


def _int8(path: Path, probes: NDArray[Any]) -> bytes:
    import onnx

    from neuropose_ros.learning.pose_training.quantisation import quantised

    model = onnx.load(str(path))
    # The layers that stay in float32 are known by name, and converted networks have none.
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f'node{index}'
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / path.name
        onnx.save(model, str(named))
        return quantised(named, probes)


def measure(
    variant: Variant, threads: int, pictures: Pictures, environment: EdgeEnvironment,
    lists: Sequence[Path], data: Path | None,
) -> dict[str, Any]:
    """Run one variant in a process of the edge environment; see `edge_worker` for the reply.

    Raises:
        NeuroposeError: the process fails.
    """
    request = {
        'model': variant.name, 'threads': threads, 'pictures': str(pictures.path),
        'frames': pictures.frames, 'warm_up': pictures.warm_up,
        'lists': [str(path) for path in lists], 'data': str(data or ''),
        'replaced': {name: str(path) for name, path in variant.replaced.items()}}
    done = subprocess.run(
        [sys.executable, '-m', 'neuropose_ros.cli.bench.edge_worker', json.dumps(request)],
        env=environment.variables(variant.extra), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NeuroposeError((done.stderr.strip().splitlines() or ['it ends silently'])[-1])
    reply: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return reply


def deviation(found: Sequence[Any], reference: Sequence[Any]) -> float | None:
    """Return the mean distance of joints to those of float32, as a share of the person.

    The size of a person is the diagonal of the box around all joints of the reference. None
    where the two never both see a joint.
    """
    shares: list[float] = []
    for mine, theirs in zip(found, reference, strict=True):
        if mine and theirs:
            points, truth = np.asarray(mine[0], float), np.asarray(theirs[0], float)
            if np.isfinite(truth).any():
                size = np.linalg.norm(np.nanmax(truth, 0) - np.nanmin(truth, 0))
                shares += list(np.linalg.norm(points - truth, axis=-1) / size)
    known = np.asarray(shares)[np.isfinite(shares)]
    return float(known.mean()) if known.size else None


def rows(
    found: Sequence[Variant], threads: Sequence[int],
    run: Callable[[Variant, int], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Measure the variants of one model, float32 first, on each number of threads."""
    made: list[dict[str, Any]] = []
    reference: list[Any] | None = None
    for variant in found:
        for count in threads:
            row: dict[str, Any] = {
                'model': variant.model, 'precision': variant.precision, 'threads': count,
                'note': variant.note}
            if variant.name:
                try:
                    reply = run(variant, count)
                except NeuroposeError as error:
                    row['note'] = str(error)
                else:
                    joints = reply.pop('joints')
                    reference = joints if reference is None else reference
                    row |= {key: round(value, 4) for key, value in reply.items()}
                    row['deviation'] = deviation(joints, reference)
            made.append(row)
    return made
