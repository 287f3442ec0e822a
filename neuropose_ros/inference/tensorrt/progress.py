"""Bars for the phases of a build, where TensorRT reports them (from 10 on)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm


def progress_monitor(trt: Any) -> Any:
    """Return an IProgressMonitor that draws bars on a terminal; None before TensorRT 10.

    Its ``interrupted`` tells after the build whether the user pressed Ctrl+C.
    """
    return _monitor_class(trt)() if hasattr(trt, 'IProgressMonitor') else None


def _monitor_class(trt: Any) -> Any:
    class Bars(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.interrupted = False
            self._bars: dict[str, tqdm[Any]] = {}

        @contextlib.contextmanager
        def _noticing_interrupts(self) -> Iterator[None]:
            # Ctrl+C arrives in these calls; raised, it would be lost in the C++ around them.
            try:
                yield
            except KeyboardInterrupt:
                self.interrupted = True

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            with self._noticing_interrupts():
                self._bars[phase_name] = tqdm(
                    total=num_steps, desc=phase_name, leave=parent_phase is None,
                    position=len(self._bars), disable=None)

        def step_complete(self, phase_name: str, step: int) -> bool:
            with self._noticing_interrupts():
                if phase_name in self._bars:
                    bar = self._bars[phase_name]
                    bar.update(step + 1 - bar.n)
            return not self.interrupted

        def phase_finish(self, phase_name: str) -> None:
            with self._noticing_interrupts():
                bar = self._bars.pop(phase_name, None)
                if bar is not None:
                    bar.close()

    return Bars
