"""The networks that `bench many` compares: from the data folder, the cache, or fetched."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from neuropose_ros.core.errors import ModelError, NeuroposeError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.carried import with_data
from neuropose_ros.inference.entry import ModelEntry, UrlSource
from neuropose_ros.inference.models import expand, model_path
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import (
    create_detector,
    create_estimator,
    create_region_estimator,
)
from neuropose_ros.pose.estimator import PersonDetector, PoseEstimator, RegionEstimator

DETECTORS = ('rtmdet-nano', 'rtmdet-nano-512', 'yolox-nano', 'yolox-tiny')
ESTIMATORS = (
    'movenet-lightning-int8', 'movenet-lightning-int8:mirrored', 'movenet-thunder-int8',
    'blazepose-lite', 'blazepose', 'blazepose-heavy', 'movenet-lightning-int8+blazepose',
    'movenet-lightning-int8+blazepose-heavy', 'movenet-lightning-int8:mirrored+blazepose-heavy',
    'rtmpose-t', 'rtmpose-s', 'rtmpose-m',
)
ONE_STAGE = ('rtmo-s', 'rtmo-m')
"""Networks that need no detector."""
FIXED = ('rtmdet-nano-512', 'movenet-lightning-int8:mirrored+blazepose-heavy')
"""The pair chosen beforehand, on pictures that are not COCO's: the MPII ones, mosaics of them and
of frames of J-HMDB's training split. `many_pictures` says how."""


@dataclass(frozen=True)
class Networks:
    """What could be loaded, by name, and why the rest could not."""

    detectors: Mapping[str, PersonDetector]
    estimators: Mapping[str, RegionEstimator]
    absent: Mapping[str, str]
    one_stage: Mapping[str, PoseEstimator] = field(default_factory=dict)

    def close(self) -> None:
        """Give back the memory."""
        networks = (self.detectors, self.estimators, self.one_stage)
        for network in (network for group in networks for network in group.values()):
            network.close()


def load_networks(
    data: Path, threads: int, detectors: Sequence[str] = DETECTORS,
    estimators: Sequence[str] = ESTIMATORS, one_stage: Sequence[str] = (),
) -> Networks:
    """Load what is there or can be fetched."""
    registry = with_data(load_registry(), data)
    absent: dict[str, str] = {}
    finders, readers, whole = {}, {}, {}
    for name in (*detectors, *estimators, *one_stage):
        try:
            _check_reachable(name, registry)
            if name in detectors:
                finders[name] = create_detector(
                    name, threads=threads, registry=registry, announce=_quietly)
            elif name in one_stage:
                whole[name] = create_estimator(
                    name, threads=threads, registry=registry, announce=_quietly)
            else:
                readers[name] = create_region_estimator(
                    name, threads=threads, registry=registry, announce=_quietly)
        except NeuroposeError as error:
            absent[name] = str(error)
    return Networks(finders, readers, absent, whole)


def _check_reachable(name: str, registry: Mapping[str, ModelEntry]) -> None:
    """Raise where every address is on a host that has none: saves the patience of a download."""
    if any(os.environ.get(key) for key in ('https_proxy', 'HTTPS_PROXY')):
        return
    plain = [part.partition(':')[0] for part in name.split('+')]
    for part in expand(plain, registry):
        entry = registry[part]
        if model_path(entry, cache_folder()).is_file() or not entry.sources:
            continue
        hosts = [urlsplit(source.url).hostname or '' for source in entry.sources
                 if isinstance(source, UrlSource)]
        if len(hosts) == len(entry.sources) and not any(map(_has_address, hosts)):
            raise ModelError(f'{part} is not in the cache, and {hosts[0]} cannot be reached')


def _has_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False


def _quietly(_: str) -> None:
    """The runtimes are in the table."""
