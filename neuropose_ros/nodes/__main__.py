"""`python -m neuropose_ros.nodes NAME` runs one of `NODES`.

From its first moment on the process ends with 0 on SIGINT and SIGTERM, also while it imports.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NODES = (
    'camera', 'pose', 'refinement', 'action', 'recorder', 'adapter', 'composed',
    'example_robot')


def _leave(_number: int, _frame: FrameType | None) -> None:
    # Nothing is open yet; `spin.run` installs its own handlers before anything is.
    os._exit(0)


def main() -> int:
    """Run the node that the first argument names."""
    for number in SIGNALS:
        signal.signal(number, _leave)
    # Who became this process may have held signals back until now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    name, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ('', [])
    if name not in NODES:
        print(f'neuropose: there is no node {name!r}; there are {", ".join(NODES)}',
              file=sys.stderr)
        return 2
    # Nothing that is imported is garbage, and looking for it takes a tenth of that time;
    # `spin.run` turns it on again.
    gc.disable()
    run = importlib.import_module(f'neuropose_ros.nodes.{name}').main
    return int(run(arguments))


if __name__ == '__main__':
    sys.exit(main())
