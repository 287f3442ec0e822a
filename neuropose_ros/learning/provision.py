"""The clips that a recipe asks for, from the folder that a command names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.datasets.catalogue import read_data_set
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.videos import VideoListing
from neuropose_ros.learning.recipe import DataSettings


def provide(
    settings: DataSettings, root: Path, split: str | int = '', *, cache: Path | None = None,
    workers: int = 1,
) -> tuple[Split, Findings]:
    """Read the clips of a recipe; poses of videos are made where the cache lacks them.

    Args:
        root: folder that the data lies in.
        split: instead of the recipe's; '' = as the recipe says.
        cache: of poses; None = beside the user's other caches.

    Returns:
        The parts (the test part of a set that is not divided is empty) and what was left out.

    Raises:
        DataError: name, folder or split are wrong, or too much cannot be used.
    """
    content, findings = read_data_set(
        settings.dataset, root, split or settings.split, skipped_share=settings.skipped_share)
    if isinstance(content, VideoListing):
        from neuropose_ros.learning.videos import poses_of
        return poses_of(content, settings, root, cache, workers, findings), findings
    if isinstance(content, ClipSet):
        return Split(content, content.only(()), 'not divided'), findings
    if not isinstance(content, Split):
        raise DataError(f'{settings.dataset} holds pictures: actions need time')
    return content, findings


def further_poses(names: Sequence[str], root: Path) -> tuple[ClipSet, ...]:
    """Read the data sets that pre-training learns from beside the training part.

    Of a divided set the training part alone is taken.

    Raises:
        DataError: one cannot be read, or holds videos.
    """
    found = []
    for name in names:
        content, _ = read_data_set(name, root)
        if isinstance(content, Split):
            content = content.train
        if not isinstance(content, ClipSet):
            raise DataError(f'{name} holds no poses over time: `neuropose preprocess` makes them '
                            'of videos')
        found.append(content)
    return tuple(found)
