"""Runs the trackers of roboflow's ``trackers`` over boxes that somebody else found.

Started as a script by the Python of an environment of its own, so nothing of this package may be
imported. Reads one .npz: ``counts`` (F,) people per frame, ``boxes`` (P, 4) px and ``scores`` (P,)
one frame after the other, ``rate_hz``. Writes JSON: per tracker the id of each of the P boxes,
-1 = none.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import supervision  # type: ignore[import-not-found]
import trackers  # type: ignore[import-not-found]


def main(source: str) -> None:
    """Run every tracker with its defaults."""
    with np.load(source) as stored:
        counts, boxes = stored['counts'], stored['boxes'].astype(float)
        scores, rate_hz = stored['scores'].astype(float), float(stored['rate_hz'])
    ends = np.cumsum(counts)
    made = {
        'bytetrack': trackers.ByteTrackTracker(frame_rate=rate_hz),
        'ocsort': trackers.OCSORTTracker(frame_rate=rate_hz),
    }
    result = {}
    for name, tracker in made.items():
        ids = np.full(len(boxes), -1)
        for count, end in zip(counts, ends, strict=True):
            first = end - count
            found = tracker.update(supervision.Detections(
                xyxy=boxes[first:end].reshape(-1, 4), confidence=scores[first:end],
                class_id=np.zeros(count, int), data={'index': np.arange(first, end)}))
            if len(found) and found.tracker_id is not None:
                ids[np.asarray(found.data['index'], int)] = found.tracker_id
        result[name] = ids.tolist()
    json.dump(result, sys.stdout)


if __name__ == '__main__':
    main(sys.argv[1])
