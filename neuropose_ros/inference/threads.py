"""How many processors this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Measured on BlazePose: a second thread costs a quarter more processor time for each picture,
# and the rest of the graph needs processors too.
MOST_BY_DEFAULT = 2


def available_processors() -> int:
    """Return the processors left to this process by its affinity and its control group."""
    affinity = len(os.sched_getaffinity(0))
    quota = _control_group_processors(Path('/proc/self/cgroup'), Path('/sys/fs/cgroup'))
    return max(1, affinity if quota is None else min(affinity, int(quota)))


def physical_cores(processors: set[int] | None = None, root: Path | None = None) -> int:
    """Return how many cores the processors of this process lie on (hyper-threads share one)."""
    root = root or Path('/sys/devices/system/cpu')
    chosen = os.sched_getaffinity(0) if processors is None else processors
    cores = set()
    for processor in chosen:
        siblings = root / f'cpu{processor}' / 'topology' / 'thread_siblings_list'
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(processor))
    return max(1, len(cores))


def thread_budget(requested: int = 0) -> int:
    """Return the threads to use: never more than the machine has to spare for this process.

    Args:
        requested: 0 = half of the cores that are left to this process, at most two.
    """
    if requested > 0:
        return min(requested, available_processors())
    spare = min(available_processors(), physical_cores())
    return max(1, min(spare // 2, MOST_BY_DEFAULT))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Tell the numerical libraries of processes that start now; they read it when loaded."""
    names = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, '1'))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _control_group_processors(membership: Path, mount: Path) -> float | None:
    """Return the tightest quota between this process's control group and the root, in processors.

    Control group v2 (cpu.max) and v1 (cpu.cfs_quota_us), as documented with the Linux kernel.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, group = line.split(':', 2)
        if controllers and 'cpu' not in controllers.split(','):
            continue
        base = mount / controllers if controllers else mount
        # In a container the path may be the host's and not exist here: the mount is the group.
        folders = [base / group.strip('/'), *(base / group.strip('/')).parents]
        quotas += [quota for folder in folders if folder.is_relative_to(mount)
                   and (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def _quota(folder: Path) -> float | None:
    try:
        if (folder / 'cpu.max').exists():
            limit, period = (folder / 'cpu.max').read_text().split()
        else:
            limit = (folder / 'cpu.cfs_quota_us').read_text().strip()
            period = (folder / 'cpu.cfs_period_us').read_text().strip()
        return None if limit in {'max', '-1'} else int(limit) / int(period)
    except (OSError, ValueError):
        return None
