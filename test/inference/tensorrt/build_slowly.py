"""A process that builds an engine with the stand-in, and takes its time; for test_engine.py.

The build ends once a second process waits for the lock, as seen in the kernel's list of locks.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import types
from pathlib import Path
from typing import Any

# The tests' folders have no __init__.py; the names are made as pytest makes them.
package = types.ModuleType('standins')
package.__path__ = [str(Path(__file__).parent)]
sys.modules['standins'] = package
standin, networks, cpu_device = (
    importlib.import_module(f'standins.{name}') for name in ('standin', 'networks', 'cpu_device'))


def somebody_waits(lock: Path) -> bool:
    inode = f':{lock.stat().st_ino} '
    return any('->' in line and inode in line for line in Path('/proc/locks').open())


def main(folder: Path) -> None:
    from neuropose_ros.inference.tensorrt import TensorRtRuntime
    trt = sys.modules['tensorrt'] = standin.make('10.13.3')
    build = trt.Builder.build_serialized_network

    def slowly(self: Any, network: Any, config: Any) -> Any:
        (folder / 'building').touch()
        deadline = time.monotonic() + 30
        while not somebody_waits(folder / 'engines' / '.lock') and time.monotonic() < deadline:
            time.sleep(0.01)
        return build(self, network, config)

    trt.Builder.build_serialized_network = slowly
    runtime = TensorRtRuntime(
        folder / 'two_layers.onnx', batch=2, input=networks.PICTURE, cache=folder,
        device=cpu_device.CpuDevice())
    import numpy as np
    mean = runtime.run({'image': np.ones((1, 3, 4, 6), np.float32)})['mean']
    print(json.dumps({'builds': trt.world.builds, 'mean': list(mean.shape)}))


main(Path(sys.argv[1]))
