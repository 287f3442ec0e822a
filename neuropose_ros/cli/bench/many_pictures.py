"""How near the people found in pictures are to the annotated ones, for each pair of networks.

Similarity: OKS as COCO defines it (its sigmas, the annotated area, labelled joints alone). Found
and true people are matched one to one, the most similar pair first; whoever is not found counts
as 0. Annotated people without any labelled joint are left out, as in COCO's evaluation; finds
that nobody has annotated cost nothing, as there is no telling whether they are wrong, but they
are counted.

The pair that the bench stands for was fixed beforehand, on other pictures: the MPII ones (their
figure is printed beside COCO's), mosaics of 2x2 and 3x3 of them, and 160 frames of J-HMDB's
training split, alone and in mosaics. It was the best by the mean of both sets (0.775; without the
mirror 0.774, with BlazePose full 0.767, MoveNet mirrored alone 0.760, BlazePose heavy alone
0.734), and 512 px the best size of RTMDet-nano's input. Its first run on COCO gave 0.797 with one
person missed. The second look at a picture without the person in front (`ManyPeople`) came after
that, made on rendered crowds (200 people in 56 pictures: 0.862, 5 missed); the pair stayed.
MPII gives neither areas nor eyes and ears: its area is taken as 0.7 of the box around the joints.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neuropose_ros.cli.bench.many_models import Networks
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.layouts import COCO17, MPII16, convert_person, convert_points
from neuropose_ros.core.metrics import object_keypoint_similarity, oks_sigmas
from neuropose_ros.core.pose import Frame, Image
from neuropose_ros.pose.estimator import PoseEstimator
from neuropose_ros.pose.many import ManyPeople

Array = NDArray[np.float64]
_MPII_FILLED = 0.7


@dataclass(frozen=True)
class Truth:
    """A picture and the people annotated in it.

    Attributes:
        image: BGR.
        keypoints: (P, 17, 2) px in COCO's order, NaN where not labelled.
        areas: (P,) px^2.
    """

    image: Image
    keypoints: Array
    areas: Array


def coco_pictures(data: Path) -> list[Truth]:
    """Read images/coco with test_coco.json.

    Raises:
        NeuroposeError: they are not there.
    """
    folder = data / 'images' / 'coco'
    content = _json(folder / 'test_coco.json')
    truths = []
    for picture in content['images']:
        people = [
            person for person in content['annotations']
            if person['image_id'] == picture['id'] and person['num_keypoints']]
        table = np.array([person['keypoints'] for person in people], np.float64)
        table = table.reshape(-1, len(COCO17), 3)
        points = np.where(table[..., 2:] > 0, table[..., :2], np.nan)
        areas = np.array([person['area'] for person in people], np.float64)
        truths.append(Truth(_image(folder / picture['file_name']), points, areas))
    return truths


def mpii_pictures(data: Path) -> list[Truth]:
    """Read images/mpii with test_mpii.json: one annotated person each.

    Raises:
        NeuroposeError: they are not there.
    """
    folder = data / 'images' / 'mpii'
    truths = []
    for person in _json(folder / 'test_mpii.json'):
        points = np.array(person['joints'], np.float64)
        points[np.array(person['joints_vis']) == 0] = np.nan
        sides = np.nanmax(points, 0) - np.nanmin(points, 0)
        common = convert_points(points.astype(np.float32), MPII16, COCO17).astype(np.float64)
        truths.append(Truth(
            _image(folder / person['image']), common[np.newaxis],
            np.array([sides.prod() * _MPII_FILLED])))
    return truths


def run_pictures(networks: Networks, data: Path, runs: int = 3) -> dict[str, dict[str, Any]]:
    """Return the figures of each pair: mean_oks, ms, people found and more.

    Args:
        networks: each detector is run with each estimator, and those that need none alone.
        data: with images/coco and images/mpii.
        runs: timed runs of each picture; the median counts.
    """
    coco, mpii = coco_pictures(data), mpii_pictures(data)
    candidates: dict[str, PoseEstimator] = {
        f'{detector}>{estimator}': ManyPeople(
            networks.detectors[detector], networks.estimators[estimator])
        for estimator in networks.estimators for detector in networks.detectors}
    candidates |= networks.one_stage
    pairs = {}
    for name, people in tqdm(candidates.items(), desc='pictures', unit='pair'):
        on_coco = measure(people, coco, runs)
        on_mpii = measure(people, mpii, 1)
        pairs[name] = on_coco | {'mpii_oks': on_mpii['mean_oks'], 'mpii_ms': on_mpii['ms']}
    return pairs


def measure(people: PoseEstimator, truths: Sequence[Truth], runs: int) -> dict[str, Any]:
    """Return the figures of one pair; ms is the mean over the pictures of their medians."""
    similarities, times_ms, found_in_all = [], [], 0
    for truth in truths:
        elapsed = []
        for _ in range(runs):
            people.reset()
            begin = time.perf_counter()
            result = people.estimate(Frame(truth.image, 1, 0))
            elapsed.append((time.perf_counter() - begin) * 1e3)
        times_ms.append(statistics.median(elapsed))
        found = np.array([
            convert_person(person, people.layout, COCO17).keypoints
            for person in result.persons], np.float64).reshape(-1, len(COCO17), 2)
        similarities.append(matched_oks(found, truth.keypoints, truth.areas))
        found_in_all += len(found)
    values = np.concatenate(similarities)
    return {
        'mean_oks': float(values.mean()), 'ms': statistics.mean(times_ms),
        'people': len(values), 'missed': int((values == 0).sum()), 'found': found_in_all,
        'oks': [[round(float(value), 4) for value in picture] for picture in similarities],
    }


def matched_oks(found: Array, truth: Array, areas: Array) -> Array:
    """Return (P,) OKS of each true person with the find that is matched to it, 0 without one.

    Args:
        found: (N, K, 2) px.
        truth: (P, K, 2) px.
        areas: (P,) px^2.
    """
    result = np.zeros(len(truth))
    if not len(found) or not len(truth):
        return result
    similar = object_keypoint_similarity(
        found[np.newaxis], truth[:, np.newaxis], areas[:, np.newaxis], oks_sigmas(COCO17))
    for _ in range(min(similar.shape)):
        i, j = np.unravel_index(int(np.argmax(similar)), similar.shape)
        result[i] = max(similar[i, j], 0.0)
        similar[i], similar[:, j] = -1.0, -1.0
    return result


def show(pairs: Mapping[str, Mapping[str, Any]], absent: Mapping[str, str]) -> None:
    """Print the table."""
    width = max(map(len, pairs), default=0)
    print(f'{"detector>estimator":{width}}{"COCO OKS":>10}{"missed":>8}{"ms":>8}{"MPII OKS":>10}'
          f'{"ms":>8}')
    for name, row in sorted(pairs.items(), key=lambda item: -item[1]['mpii_oks']):
        print(f'{name:{width}}{row["mean_oks"]:10.4f}{row["missed"]:8}{row["ms"]:8.1f}'
              f'{row["mpii_oks"]:10.4f}{row["mpii_ms"]:8.1f}')
    for name, reason in absent.items():
        print(f'absent: {name}: {reason}')


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text('utf-8'))
    except (OSError, ValueError) as error:
        raise NeuroposeError(
            f'bench many needs the annotations {path}: {error}') from error


def _image(path: Path) -> Image:
    import cv2

    image: Image | None = cv2.imread(str(path))
    if image is None:
        raise NeuroposeError(f'bench many cannot read the picture {path}')
    return image
