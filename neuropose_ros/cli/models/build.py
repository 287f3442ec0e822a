"""Build TensorRT engines ahead of time, so that no node waits minutes for them, and exit."""

from __future__ import annotations

import argparse

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models, expand
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.detectors import MOST_PEOPLE

_ONE_PER_PERSON = {'simcc', 'heatmap', 'movenet'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('names', nargs='+', metavar='NAME')
    parser.add_argument('--precision', choices=('fp16', 'fp32'), default='fp16')
    parser.add_argument(
        '--batch', type=int, default=0, metavar='N',
        help=f'largest batch; default: what the nodes ask for, {MOST_PEOPLE} for networks that '
             'look at people one by one, else 1')


def run(args: argparse.Namespace) -> int:
    """Build, and print where each engine lies."""
    from neuropose_ros.inference.tensorrt.available import tensorrt_available

    registry = load_registry()
    names = expand(args.names, registry)
    missing = tensorrt_available()
    if missing:
        raise ModelError(f'engines cannot be built here: {missing}')
    from neuropose_ros.inference.tensorrt.runtime import build_engine

    for name in names:
        entry = registry[name]
        [path] = ensure_models(name, registry=registry)
        if path.suffix.lower() == '.tflite':
            print(f'{name}: nothing to build, LiteRT runs it')
            continue
        for batch in (args.batch,) if args.batch else batches(entry):
            engine = build_engine(
                path, precision=args.precision, batch=batch, input=entry.input)
            print(f'{name}: {engine}')
    return 0


def batches(entry: ModelEntry) -> tuple[int, ...]:
    """Return the largest batches that the nodes ask of a network: an engine for each."""
    if entry.decoder == 'blazepose-landmarks':
        return 1, MOST_PEOPLE  # follows one person by itself, many with a person detector
    if entry.decoder in _ONE_PER_PERSON or entry.kind == 'reid':
        return (MOST_PEOPLE,)
    return (1,)
