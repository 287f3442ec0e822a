"""What a replay was made of and what came out: the file ``manifest.json`` beside its session."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from neuropose_ros.core.errors import DataError

FILE_NAME = 'manifest.json'
FORMAT = 2
Mode = Literal['ideal', 'as-lived']
MODES: tuple[Mode, ...] = ('ideal', 'as-lived')


@dataclass(frozen=True)
class Request:
    """What decides over the results: of two replays with an equal one they are identical.

    Attributes:
        kind: of the input: video, bag or session.
        sha256: of the input's files.
        mode: ``ideal`` = every frame and the newest feedback; ``as-lived`` = the skips, feedback
            and scenes of the live run.
        choice: what was taken of an input that has several things.
        parameters: by node.
        models: sha256 of every file that is run, by name.
        software: versions by name.
        epoch_ns: stamp of the beginning of what has no time of day itself.
        corrections: sha256 of what people said of the recording; '' = nothing, or it is left out.
    """

    kind: str
    sha256: str
    mode: Mode
    choice: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    models: dict[str, str]
    software: dict[str, str]
    epoch_ns: int
    corrections: str = ''


@dataclass(frozen=True)
class Manifest:
    """A replay that came to its end.

    Attributes:
        name: of the input, without its folder.
        sha256: of all results, without timing figures (see `replay.canonical`).
        streams: sha256 of each stream.
        counts: results of each stream.
        frames: looked at.
        skipped: frames left out because the live run left them out.
        errors: frames that could not be looked at.
        restarts: how often time or epoch began anew.
        corrected: frames that corrections changed.
        findings: what was odd about the input.
        live_streams: sha256 of each stream as the live run published it, where it is recorded.
        timing: how long it took; never part of a comparison.
    """

    name: str
    request: Request
    sha256: str
    streams: dict[str, str]
    counts: dict[str, int]
    frames: int = 0
    skipped: int = 0
    errors: int = 0
    restarts: int = 0
    corrected: int = 0
    findings: dict[str, int | str] = field(default_factory=dict)
    live_streams: dict[str, str] = field(default_factory=dict)
    timing: dict[str, Any] = field(default_factory=dict)

    @property
    def same_as_live(self) -> dict[str, bool]:
        """Of each stream that both have, whether the results are those of the live run."""
        return {name: self.streams[name] == value
                for name, value in self.live_streams.items() if name in self.streams}


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json`` into a folder."""
    content = {'format': FORMAT, **asdict(manifest), 'same_as_live': manifest.same_as_live}
    text = json.dumps(content, indent=1, sort_keys=True) + '\n'
    (folder / FILE_NAME).write_text(text, 'utf-8')


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder; None = there is none.

    Raises:
        DataError: it is damaged, or of a newer version.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text('utf-8'))
        version = content.pop('format')
        if version > FORMAT:
            raise DataError(f'{file}: written by a newer version; update neuropose_ros')
        del content['same_as_live']
        return Manifest(**content | {'request': Request(**content['request'])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f'{file}: damaged ({error}); delete the folder and replay again') from error
