"""The machine: GPU, clock, and the cache of models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from neuropose_ros.cli.doctor.findings import Ask, Finding, Status

CACHE_NEEDED_BYTES = 300 << 20
CLOCK_OFFSET_LIMIT_S = 1e-3
_SYNCHRONISE = 'sudo apt install chrony'


def check_gpu(ask: Ask, runtimes: Collection[str]) -> Finding:
    """Say which GPU there is, and whether any of the runtimes that are there uses it."""
    query = '--query-gpu=name,driver_version,memory.total'
    answer = ask(['nvidia-smi', query, '--format=csv,noheader'])
    if answer is None:
        return Finding('GPU', Status.NOTE, 'none found (no nvidia-smi): the CPU does everything')
    if answer.code != 0:
        reason = (answer.output + answer.error).strip().splitlines()
        return Finding(
            'GPU',
            Status.WARNING,
            f'the driver does not answer: {reason[-1] if reason else answer.code}',
            'install the NVIDIA driver anew, or restart',
        )
    name = answer.output.strip().splitlines()[0]
    if not {'tensorrt', 'cuda'} & set(runtimes):
        fix = 'pip uninstall onnxruntime && pip install onnxruntime-gpu'
        return Finding('GPU', Status.NOTE, f'{name}, not used: neither TensorRT nor CUDA', fix)
    return Finding('GPU', Status.OK, name)


def check_clock(ask: Ask) -> Finding:
    """Ask PTP, chrony and systemd, in this order, how well this machine's clock is kept."""
    return (
        _ask_ptp(ask)
        or _ask_chrony(ask)
        or _ask_systemd(ask)
        or Finding(
            'clock',
            Status.NOTE,
            'not known to be synchronised: matters with several machines only',
            _SYNCHRONISE,
        )
    )


def _ask_ptp(ask: Ask) -> Finding | None:
    answer = ask(['pmc', '-u', '-b', '0', 'GET TIME_STATUS_NP'])
    if answer is None or 'master_offset' not in answer.output:
        return None
    fields = dict(_two(line.split()) for line in answer.output.splitlines() if line.split()[1:])
    offset_s = float(fields['master_offset']) * 1e-9
    if fields.get('gmPresent') != 'true':
        return Finding('clock', Status.WARNING, 'PTP has no master', "pmc -u 'GET PORT_DATA_SET'")
    return _judge_offset('PTP', offset_s)


def _ask_chrony(ask: Ask) -> Finding | None:
    answer = ask(['chronyc', '-c', 'tracking'])
    if answer is None or answer.code != 0:
        return None
    fields = answer.output.strip().split(',')
    if len(fields) < 14:
        return None
    if fields[13] == 'Not synchronised':
        return Finding(
            'clock', Status.WARNING, 'chrony has not reached a time server', 'chronyc sources'
        )
    return _judge_offset('chrony', float(fields[4]))


def _ask_systemd(ask: Ask) -> Finding | None:
    answer = ask(['timedatectl', 'show', '--property=NTPSynchronized', '--value'])
    if answer is None or answer.code != 0 or not answer.output.strip():
        return None
    if answer.output.strip() == 'yes':
        return Finding(
            'clock',
            Status.OK,
            'synchronised by NTP (chrony or PTP do better where several machines take part)',
        )
    return Finding(
        'clock',
        Status.NOTE,
        'not synchronised: matters with several machines only',
        _SYNCHRONISE,
    )


def _judge_offset(source: str, offset_s: float) -> Finding:
    text = f'{source}, {abs(offset_s) * 1e3:.3f} ms off'
    if abs(offset_s) <= CLOCK_OFFSET_LIMIT_S:
        return Finding('clock', Status.OK, text)
    return Finding('clock', Status.WARNING, f'{text}: ages between machines are wrong by as much',
                   'sudo chronyc makestep')


def _two(words: Sequence[str]) -> tuple[str, str]:
    return words[0], words[1]


def check_models(folder: Path, missing: Sequence[str]) -> Finding:
    """Judge the model cache.

    Args:
        folder: where the cache is or will be.
        missing: names of the default networks that are not in it yet.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not missing:
        return Finding('models', Status.OK, f'the default networks are in {folder}')
    what = f'{", ".join(missing)}: not yet in {folder}'
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        fix = 'export NEUROPOSE_CACHE=a folder that you may write to'
        return Finding('models', Status.BROKEN, f'{what}, which cannot be written', fix)
    free = shutil.disk_usage(existing).free
    if free < CACHE_NEEDED_BYTES:
        fix = 'free some space, or export NEUROPOSE_CACHE=a folder on another disk'
        return Finding('models', Status.BROKEN, f'{what}; {free >> 20} MiB are free there', fix)
    return Finding('models', Status.NOTE, f'{what}; fetched on first use, which needs a network')
