"""Poses of a data set of videos: made once, kept in a cache, divided as the videos are."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tqdm import tqdm

from neuropose_ros.core.layouts import layout
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.learning.clips import Split
from neuropose_ros.learning.config import parse
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.videos import VideoListing
from neuropose_ros.learning.extraction import ExtractionSettings, create_extractor
from neuropose_ros.learning.preprocessing import extract_listing, extracted_clips
from neuropose_ros.learning.recipe import DataSettings


def poses_of(
    listing: VideoListing, settings: DataSettings, root: Path, cache: Path | None,
    workers: int, findings: Findings,
) -> Split:
    """Return the clips of all videos; those that the cache lacks are made first.

    Args:
        root: of the data; networks that lie in its ``models/`` are taken from there.
        cache: folder; None = beside the user's other caches.
        workers: videos that are read at a time.
        findings: takes the videos that cannot be used.

    Raises:
        DataError: too many cannot be used, or the disk is full: the same call goes on.
        ModelError: a network cannot be had.
        ParameterError: ``data.extraction`` is wrong.
    """
    wanted = parse(ExtractionSettings, settings.extraction, 'data: extraction')
    folder = cache or cache_folder() / 'poses' / listing.name
    with tqdm(desc=f'poses of {listing.name}', unit='video', total=len(listing)) as bar:
        def progress(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)
        extract_listing(
            listing, folder, partial(create_extractor, wanted, root), workers=workers,
            findings=findings, skipped_share=settings.skipped_share, progress=progress)
        progress(len(listing), len(listing))  # those of earlier runs, too
    clips = extracted_clips(
        listing, folder, layout=layout(settings.layout) if settings.layout else None,
        least_score=settings.least_score, findings=Findings())
    return listing.divide(clips)
