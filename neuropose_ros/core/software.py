"""Versions of what computes: results are only the same with the same software."""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib import metadata

from neuropose_ros.core.resources import config_folder

_COMPUTING = ('numpy', 'opencv-python-headless', 'opencv-python', 'onnxruntime',
              'onnxruntime-gpu', 'openvino', 'ai-edge-litert', 'tensorrt', 'av')


@cache
def software_versions() -> dict[str, str]:
    """Return versions by name: this package, Python, and what results depend on, where it is."""
    found = {'neuropose_ros': own_version(), 'python': platform.python_version()}
    for name in _COMPUTING:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def own_version() -> str:
    """Return the version of this package, as its package.xml has it; '' = it came without one.

    Raises:
        NeuroposeError: the installation is incomplete.
    """
    file = config_folder().parent / 'package.xml'
    if not file.is_file():
        return ''
    found = re.search(r'<version>\s*([^<\s]+)', file.read_text('utf-8'))
    return found.group(1) if found else ''
