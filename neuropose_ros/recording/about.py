"""What a session says of itself: whose it is, who agreed, and what made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neuropose_ros.recording.privacy.subjects import Subject


@dataclass(frozen=True)
class About:
    """What is known when a recording begins; more can be said later (`SessionWriter.describe`).

    Attributes:
        subjects: who is in it, under pseudonyms, and to what they agreed.
        task: what is done, as walking.
        notes: free text.
        kind: recording, replay, import, ...: how the session came about.
        devices: by name, what is known of each.
        software: versions by package.
        models: hashes (sha256) by model id.
        parameters: by node or stage, value by name.
        extra: what else the maker wants to say, by name; JSON values.
    """

    subjects: tuple[Subject, ...] = ()
    task: str = ''
    notes: str = ''
    kind: str = 'recording'
    devices: dict[str, Any] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
