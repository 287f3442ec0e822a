"""How long the package takes to import where nothing optional is installed."""

from __future__ import annotations

import re
import subprocess
import sys

from neuropose_ros.core.errors import NeuroposeError

OPTIONAL = ('torch', 'tensorrt', 'openvino', 'ai_edge_litert', 'tensorflow')
TARGETS = (
    'neuropose_ros', 'neuropose_ros.inference.select', 'neuropose_ros.pose.create',
    'neuropose_ros.nodes.pose',
)
_BEGIN = 'the target begins'
_IMPORT = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f'No module named {{name!r}} (left out)', name=name)
sys.meta_path.insert(0, Absent())
print({_BEGIN!r}, file=sys.stderr)
importlib.import_module(sys.argv[1])
"""
_LINE = re.compile(r'import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)')


def import_ms(target: str) -> dict[str, float]:
    """Return what importing a module costs in a new process, ms, by top-level package.

    `OPTIONAL` packages are made to be absent. ``-X importtime`` itself costs some of it.

    Raises:
        NeuroposeError: it does not import, because something optional is needed or otherwise.
    """
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', '-c', _IMPORT, target], capture_output=True,
        text=True, check=False)
    if done.returncode:
        raise NeuroposeError(
            f'{target} does not import without {", ".join(OPTIONAL)}: '
            f'{done.stderr.strip().splitlines()[-1]}')
    costs: dict[str, float] = {}
    for spent_us, module in _LINE.findall(done.stderr.partition(_BEGIN)[2]):
        package = module.partition('.')[0]
        costs[package] = costs.get(package, 0.0) + int(spent_us) / 1e3
    return dict(sorted(costs.items(), key=lambda item: -item[1]))
