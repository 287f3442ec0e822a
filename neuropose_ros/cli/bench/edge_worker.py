"""Runs one pose model over pictures in a process of its own and says what it costs.

One JSON request as the argument, one JSON reply as the last line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

_RATE_HZ = 30.0


def registry_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the usual models, those of further lists, and networks in place of theirs."""
    from neuropose_ros.inference.carried import with_data
    from neuropose_ros.inference.entry import PathSource
    from neuropose_ros.inference.registry import load_registry

    registry = load_registry()
    if request['data']:
        registry = with_data(registry, Path(request['data']))
    for path in request['lists']:
        registry |= load_registry(Path(path))
    for name, path in request['replaced'].items():
        entry = registry[name]
        registry[name] = replace(
            entry, sources=(PathSource(Path(path)),), sha256='', convert=None, format='onnx',
            outputs={} if entry.convert else entry.outputs)
    return registry


def main() -> None:
    """Serve the one request."""
    begin = time.perf_counter()
    request = json.loads(sys.argv[1])
    import numpy as np

    from neuropose_ros.core import allocator
    from neuropose_ros.core.pose import Frame
    from neuropose_ros.pose.create import create_estimator
    from neuropose_ros.pose.stage import PoseStage

    allocator.keep_freed_memory()  # as the nodes do
    imported = time.perf_counter()
    # With its tracker: a model that reads boxes asks the detector only now and then.
    stage = PoseStage(create_estimator(
        request['model'], threads=request['threads'], detect_every=5,
        registry=registry_of(request), announce=lambda _: None))
    loaded = time.perf_counter()
    images = np.load(request['pictures'])
    joints, walls_ms, cpu_s = [], [], 0.0
    for index in range(request['frames']):
        wall, used = time.perf_counter(), time.process_time()
        found = stage.process(Frame(
            images[index % len(images)], round((index + 1) * 1e9 / _RATE_HZ), index))
        walls_ms.append((time.perf_counter() - wall) * 1e3)
        if index >= request['warm_up']:
            cpu_s += time.process_time() - used
        if stage.last_error:
            raise SystemExit(stage.last_error)
        joints.append([person.keypoints.tolist() for person in found.persons[:1]])
    stage.close()
    steady = sorted(walls_ms[request['warm_up']:])
    print(json.dumps({
        'import_s': imported - begin, 'load_s': loaded - imported, 'first_ms': walls_ms[0],
        'ms': statistics.median(steady), 'ms_p90': steady[int(len(steady) * 0.9)],
        'cpu_ms': cpu_s / len(steady) * 1e3,
        'peak_mb': _peak_mb() - images.nbytes / 1e6,
        'found': sum(map(bool, joints)) / len(joints), 'joints': joints}))


def _peak_mb() -> float:
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) * 1.024e-3


if __name__ == '__main__':
    main()
