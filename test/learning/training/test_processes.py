"""Two processes that learn together come to what one comes to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.training.processes import joined_team, pick_device

# Weighs a batch's points unevenly between the processes: the loss is a mean over each one's own.
PROGRAM = """
import sys
from pathlib import Path
import torch
from torch import nn
from neuropose_ros.learning.training.loop import fit
from neuropose_ros.learning.training.processes import joined_team
from neuropose_ros.learning.training.settings import LoopSettings

torch.set_num_threads(1)
torch.manual_seed(0)
points = torch.randn(32, 3, generator=torch.Generator().manual_seed(1))

class Line:
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    steps_per_epoch = 4
    def batches(self, epoch, team):
        for part in points.split(8):
            yield part[team.rank::team.size]
    def losses(self, network, batch):
        return {'class': nn.functional.cross_entropy(network(batch), (batch.sum(1) > 0).long())}
    def score(self, network):
        return {'top1': float((network(points).argmax(1) == (points.sum(1) > 0)).float().mean())}

def cut(epoch):
    if epoch.number == 2:
        raise KeyboardInterrupt

with joined_team('cpu') as team:
    folder = Path(sys.argv[1])
    # The others do not see the leader's disk.
    own = folder if team.leads else folder / 'elsewhere'
    settings = LoopSettings(epochs=5, learning_rate=0.02, ema_decay=0.9, checkpoint_every_s=0)
    try:
        fit(Line(), settings, 3, folder=own, team=team, report=cut)
    except KeyboardInterrupt:
        pass
    network = Line.network
    for weight in network.parameters():
        weight.data.zero_()
    trained = fit(Line(), settings, 3, folder=own, team=team, resume=True)
    assert team.first(lambda: (folder / 'checkpoint.pt').exists())
    assert trained.history[0]['loss'] > trained.history[-1]['loss']
    torch.save(trained.network.state_dict(), folder / f'result{team.rank}.pt')
    (folder / f'size{team.rank}').write_text(str(team.size))
"""


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, '-c', PROGRAM, str(folder)], text=True, stderr=subprocess.PIPE,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'GLOO_SOCKET_IFNAME': 'lo', **environment})


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    processes = [start(tmp_path / 'one')] + [
        start(tmp_path / 'two', RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
              MASTER_ADDR='127.0.0.1', MASTER_PORT=port) for rank in (0, 1)]
    errors = [process.communicate(timeout=90)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert (tmp_path / 'two' / 'size1').read_text() == '2'
    one, first, second = (
        torch.load(tmp_path / name) for name in ('one/result0.pt', 'two/result0.pt',
                                                 'two/result1.pt'))
    for name, value in one.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-5)


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    with joined_team('cpu') as team:
        assert (team.rank, team.size, team.leads) == (0, 1, True)


def test_device_that_is_not_there_is_named() -> None:
    with pytest.raises(TrainingError, match='auto, cpu, cuda'):
        pick_device('tpu')
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match='no CUDA GPU'):
            pick_device('cuda')
