"""What a data set of videos holds: which files, what is done in them, which part they are of.

Poses are not in it; `learning.extraction` makes clips of a listing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.datasets.validation import held_back

TRAIN, VALIDATION, TEST = 'train', 'validation', 'test'
SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv')


@dataclass(frozen=True)
class Video:
    """One labelled stretch of a video file.

    Attributes:
        name: unique in its listing, as ``walk/clip_3``; the clip made of it keeps it.
        label: index into the listing's labels, -1 = none.
        group: source recording or subject: validation never splits one.
        part: `TRAIN`, `VALIDATION` or `TEST`; '' = not divided.
        start_s: of the stretch, from the file's first frame.
        end_s: None = to the end.
    """

    name: str
    path: Path
    label: int = -1
    group: str = ''
    part: str = ''
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class VideoListing:
    """The videos of a data set.

    Attributes:
        protocol: how it is divided, in words, as ``split 1``.
        source: where it came from, and its terms.
    """

    name: str
    videos: tuple[Video, ...]
    labels: LabelSet | None = None
    protocol: str = ''
    source: str = ''

    def __post_init__(self) -> None:
        """Check that names are unique and labels are in the set.

        Raises:
            DataError: they are not.
        """
        seen: set[str] = set()
        for video in self.videos:
            if video.name in seen:
                raise DataError(f'{self.name}: the name {video.name} occurs twice')
            seen.add(video.name)
            if not -1 <= video.label < (len(self.labels) if self.labels else 0):
                raise DataError(f'{self.name}: the label of {video.name} is not in its label set')

    def __len__(self) -> int:
        """Return the number of videos."""
        return len(self.videos)

    def part(self, *parts: str) -> VideoListing:
        """Return the listing with the videos of these parts alone."""
        return replace(self, videos=tuple(v for v in self.videos if v.part in parts))

    def divide(self, clips: ClipSet, *, test_share: float = 0.2, seed: int = 0) -> Split:
        """Divide clips that were made of these videos as the videos are divided.

        Validation videos count as training ones: what is held back is chosen by group. Where
        the data set has no test part, the validation part is the test, as for Kinetics; where
        it is not divided at all, groups are drawn with `held_back`.

        Raises:
            DataError: a clip is of no video of this listing.
        """
        parts = {video.name: video.part for video in self.videos}
        for clip in clips.clips:
            if clip.name not in parts:
                raise DataError(f'{self.name} has no video {clip.name}, of which there is a clip')
        if not any(parts.values()):
            return held_back(clips, test_share, seed)
        test = TEST if TEST in parts.values() else VALIDATION
        return Split(
            clips.only(tuple(c for c in clips.clips if parts[c.name] != test)),
            clips.only(tuple(c for c in clips.clips if parts[c.name] == test)), self.protocol)


def video_files(folder: Path) -> list[Path]:
    """Return the video files of a folder, not of those in it, in order of name."""
    return sorted(path for path in folder.iterdir()
                  if path.is_file() and path.suffix.lower() in SUFFIXES)
