"""Where and how a training runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from neuropose_ros.learning.training.processes import Team, alone
from neuropose_ros.learning.training.progress import Report, silent


@dataclass(frozen=True)
class Place:
    """Where and how a training runs; nothing of it changes the result.

    Attributes:
        folder: for checkpoints; None = none are kept.
        resume: go on where the checkpoints in the folder stand.
    """

    folder: Path | None = None
    resume: bool = False
    report: Report = silent
    team: Team = field(default_factory=alone)

    def below(self, name: str) -> Place:
        """Return the same, in a folder of this one and with what it reports named so."""
        return replace(
            self, folder=None if self.folder is None else self.folder / name,
            report=lambda epoch: self.report(replace(epoch, stage=name)))
