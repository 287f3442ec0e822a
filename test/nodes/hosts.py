"""Two hosts on one wire: network namespaces with a /dev/shm of their own (Linux)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import IO

# The namespaces live as long as this process, which waits for its input to end.
_HOLD = 'mount -t tmpfs tmpfs /dev/shm && ip link set lo up && echo ready && read -r _'


class NotPermittedError(Exception):
    """This machine permits no such namespaces; the message says why."""


class Host:
    """A network and a /dev/shm that only the processes started here have."""

    def __init__(self, outside: Sequence[str] = ()) -> None:
        """Make the namespaces, inside those that the command prefix ``outside`` enters."""
        as_user = os.geteuid() != 0 and not outside
        become_root, enter = ([], []) if not as_user else (
            ['--map-root-user'], ['--user', '--preserve-credentials'])
        try:
            self._holder = subprocess.Popen(
                [*outside, 'unshare', '--net', '--mount', *become_root, 'sh', '-c', _HOLD],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise NotPermittedError('unshare (util-linux) is not installed') from None
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != 'ready\n':
            raise NotPermittedError(self._holder.communicate()[1].strip())
        self.pid = self._holder.pid
        self.prefix = [
            *outside, 'nsenter', f'--target={self.pid}', *enter, '--net', '--mount', '--wd=.',
            '--']

    def run(self, *command: str) -> str:
        """Run a command to its end and return its output."""
        done = subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotPermittedError(f'{" ".join(command)}: {done.stderr.strip()}')
        return done.stdout

    def start(
        self, command: Sequence[str], output: IO[str], **variables: str,
    ) -> subprocess.Popen[str]:
        """Start a process whose stdout and stderr go to ``output``."""
        return subprocess.Popen(
            [*self.prefix, *command], env={**os.environ, **variables}, stdout=output,
            stderr=subprocess.STDOUT, text=True)

    def traffic(self, device: str) -> dict[str, int]:
        """Return {rx,tx}_{bytes,packets} that crossed a network device, as the kernel counts."""
        (link,) = json.loads(self.run('ip', '-json', '-stats', 'link', 'show', 'dev', device))
        return {f'{way}_{unit}': link['stats64'][way][unit]
                for way in ('rx', 'tx') for unit in ('bytes', 'packets')}

    def close(self) -> None:
        """Let the namespaces go, which end with their last process."""
        self._holder.kill()
        self._holder.communicate()


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Give two hosts with a wire between them: device ``wire``, 192.0.2.1 and 192.0.2.2.

    Nothing leads out: neither has a route to anything else.

    Raises:
        NotPermittedError: this machine permits no namespaces.
    """
    with ExitStack() as stack:
        around = stack.enter_context(closing(Host()))
        hosts = [stack.enter_context(closing(Host(around.prefix))) for _ in range(2)]
        around.run('ip', 'link', 'add', 'end1', 'type', 'veth', 'peer', 'name', 'end2')
        for number, host in enumerate(hosts, 1):
            around.run('ip', 'link', 'set', f'end{number}', 'netns', str(host.pid))
            host.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6')
            host.run('ip', 'link', 'set', f'end{number}', 'name', 'wire')
            host.run('ip', 'address', 'add', f'192.0.2.{number}/24', 'dev', 'wire')
            host.run('ip', 'link', 'set', 'wire', 'up')
        yield hosts[0], hosts[1]
