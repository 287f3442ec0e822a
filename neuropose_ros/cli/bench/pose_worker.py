"""Runs one pose estimator over pictures that are already decoded, and times it.

Started as a script by the Python of the environment that the estimator lives in, so nothing of
this package may be imported outside `_neuropose`. One request per line on stdin, one reply per
line on stdout, both JSON. Both estimators run through the same loop.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# A session that begins anew for every clip: `process(picture)` does the work, from the decoded
# picture to None or the arrays of keypoints (33, 2) px, visibilities (33,) and metres (33, 3);
# `close()` ends it.
Session = tuple[Any, Any]


def _neuropose(threads: int) -> Any:
    from neuropose_ros.core.pose import Frame
    from neuropose_ros.inference.threads import thread_budget
    from neuropose_ros.pose.create import create_estimator

    def begin(rate_hz: float | None) -> Session:
        estimator = create_estimator('blazepose', threads=threads, tracking=rate_hz is not None)
        step_ns = round(1e9 / (rate_hz or 1))
        count = 0

        def process(picture: Any) -> Any:
            nonlocal count
            count += 1
            result = estimator.estimate(Frame(picture, step_ns * count, count))
            if not result.persons:
                return None
            person = result.persons[0]
            return person.keypoints, person.keypoint_scores, person.keypoints_3d

        return process, estimator.close

    return begin, lambda picture: picture, thread_budget(threads)


def _mediapipe(_: int) -> Any:
    import mediapipe

    def begin(rate_hz: float | None) -> Session:
        pose = mediapipe.solutions.pose.Pose(
            static_image_mode=rate_hz is None, model_complexity=1, enable_segmentation=False)

        def process(picture: Any) -> Any:
            result = pose.process(picture)
            if result.pose_landmarks is None:
                return None
            height, width = picture.shape[:2]
            points = np.array([
                (point.x * width, point.y * height, point.visibility)
                for point in result.pose_landmarks.landmark])
            metres = np.array([
                (point.x, point.y, point.z) for point in result.pose_world_landmarks.landmark])
            return points[:, :2], points[:, 2], metres

        return process, pose.close

    # It reads RGB, runs at 30 pictures per second of its own time, and has no thread setting:
    # on a desktop its network runs on one.
    return begin, lambda picture: np.ascontiguousarray(picture[..., ::-1]), 1


_ENGINES = {'neuropose': _neuropose, 'mediapipe': _mediapipe}


def _load(request: Any, prepare: Any) -> list[Any]:
    pictures = []
    for path in request['pictures']:
        pictures += list(np.load(path))
    if request.get('disturb'):
        # One value of 10,000 by one grey level: less than any re-encoding of the video does.
        generator = np.random.default_rng(1)
        for i, picture in enumerate(pictures):
            chosen = generator.random(picture.shape) < 1e-4
            pictures[i] = np.where(chosen, picture ^ 1, picture)
    return [prepare(picture) for picture in pictures]


def _timed(request: Any, session: Session, pictures: list[Any]) -> dict[str, Any]:
    process = session[0]
    process(pictures[0])  # loads the networks
    order = list(range(1, len(pictures))) or [0]
    order += order[-2:0:-1]  # there and back, so that a repetition does not jump
    order = (order * (1 + request['least'] // len(order)))[: max(request['least'], len(order))]
    wall, used = time.perf_counter(), time.process_time()
    for i in order:
        process(pictures[i])
    wall, used = time.perf_counter() - wall, time.process_time() - used
    return {'frames': len(order), 'wall_s': wall, 'cpu_s': used}


def _keypoints(request: Any, session: Session, pictures: list[Any]) -> dict[str, Any]:
    found = [session[0](picture) for picture in pictures]
    missing = np.full((33, 2), np.nan)
    np.save(request['result'], np.stack([missing if one is None else one[0] for one in found]))
    return {'frames': len(found)}


def main() -> None:
    """Serve requests until stdin ends."""
    engine, threads = sys.argv[1], int(sys.argv[2])
    replies = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # whatever a library prints must not get between the replies
    begin, prepare, network_threads = _ENGINES[engine](threads)
    print(json.dumps({'network_threads': network_threads}), file=replies, flush=True)
    held: tuple[Any, list[Any]] = (None, [])
    for line in sys.stdin:
        request = json.loads(line)
        key = (request['pictures'], request.get('disturb'))
        if key != held[0]:
            held = (None, [])
            held = (key, _load(request, prepare))
        session = begin(request['rate_hz'])
        task = _keypoints if request.get('result') else _timed
        reply = task(request, session, held[1])
        status = Path('/proc/self/status').read_text()
        reply['process_threads'] = int(status.partition('Threads:')[2].split()[0])
        session[1]()
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == '__main__':
    main()
