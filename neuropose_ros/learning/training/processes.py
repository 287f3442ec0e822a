"""Several processes that learn one network together, as torchrun starts them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

from neuropose_ros.core.errors import TrainingError

Value = TypeVar('Value')
# The others wait while the leader reads videos; torchrun ends them if it fails.
_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class Team:
    """This process among those that learn together.

    Attributes:
        rank: 0 writes files and talks.
        size: number of processes.
        device: this one computes on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return the network whose gradients are the team's mean."""
        if self.size == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel
        if self.device.type == 'cuda':
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
            return DistributedDataParallel(
                network, device_ids=[self.device.index], find_unused_parameters=True)
        return DistributedDataParallel(network, find_unused_parameters=True)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean of a detached tensor over the team."""
        if self.size == 1:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total / self.size

    def first(self, make: Callable[[], Value]) -> Value:
        """Call on the leader, then on the others: what it left on the disk serves them."""
        if self.size == 1:
            return make()
        if not self.leads:
            dist.barrier()
        value = make()
        if self.leads:
            dist.barrier()
        return value

    def agree(self, value: Value) -> Value:
        """Return the leader's value on every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]


def alone(device: str | torch.device = 'cpu') -> Team:
    """Return the team of one."""
    return Team(0, 1, torch.device(device))


def pick_device(wanted: str = 'auto') -> torch.device:
    """Return ``cuda`` where there is one, or what is asked for.

    Raises:
        TrainingError: that device is not there.
    """
    if wanted == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    if wanted.partition(':')[0] not in ('cpu', 'cuda'):
        raise TrainingError(f'device {wanted}: auto, cpu, cuda and cuda:N are known')
    if wanted.startswith('cuda') and not torch.cuda.is_available():
        raise TrainingError(f'device {wanted}: torch sees no CUDA GPU here; --device cpu works')
    return torch.device(wanted)


@contextlib.contextmanager
def joined_team(device: str = 'auto') -> Iterator[Team]:
    """Join the processes that torchrun started; alone without it.

    Raises:
        TrainingError: the device is not there, or the others cannot be reached.
    """
    size = int(os.environ.get('WORLD_SIZE', '1'))
    if size == 1:
        yield alone(pick_device(device))
        return
    rank, local = int(os.environ['RANK']), int(os.environ.get('LOCAL_RANK', '0'))
    place = pick_device(device)
    if place.type == 'cuda':
        place = torch.device('cuda', local)
        torch.cuda.set_device(place)
    try:
        dist.init_process_group(
            'nccl' if place.type == 'cuda' else 'gloo', timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f'process {rank} of {size} cannot reach the others '
                            f'({str(error).splitlines()[0]})') from error
    try:
        yield Team(rank, size, place)
    finally:
        dist.destroy_process_group()
