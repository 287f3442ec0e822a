"""A pose recipe trained from scratch with several seeds, asked about the test part, once each."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError, TrainingError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.config import fingerprint, to_table
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import TEST, PictureSet, read_picture_set
from neuropose_ros.learning.metrics import confidence_curve
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_evaluation.measures import pck_of
from neuropose_ros.learning.pose_evaluation.models import InBoxes
from neuropose_ros.learning.pose_evaluation.people import Asked, gather
from neuropose_ros.learning.pose_training.calibration import RIGHT_WITHIN
from neuropose_ros.learning.pose_training.entry import ENTRY_FILE
from neuropose_ros.learning.pose_training.export import PoseExportSettings, export_pose
from neuropose_ros.learning.pose_training.fitting import prepare, train_pose
from neuropose_ros.learning.pose_training.recipe import PoseRecipe
from neuropose_ros.learning.pose_training.samples import FILE_NAME as SAMPLES
from neuropose_ros.learning.pose_training.samples import draw, save_samples
from neuropose_ros.learning.pose_training.task import LIMITS
from neuropose_ros.learning.pose_training.variants import Int8Worth, int8_worth
from neuropose_ros.learning.pose_training.weights import FILE_NAME, save_pose
from neuropose_ros.learning.refiner.measures import accuracy, in_truth_definition, joint_offsets
from neuropose_ros.learning.refiner.pairs import MODEL, Pair, read_pairs, sure
from neuropose_ros.learning.training.progress import Report
from neuropose_ros.learning.workers import Watch, nobody, run_jobs
from neuropose_ros.pose.create import create_region_estimator

MARKER, RESULT, MODEL_FOLDER = 'run.json', 'result.json', 'model'
FOUND, MIRRORED, INT8 = 'found boxes', 'mirrored', 'int8'
ECE, SPEEDUP = 'ece', 'int8 speedup'
# Of a box around joints, as those of the data's own joints.
_BOX_GROWTH = 1.2
_LEAST_SCORE = 0.2
_NAME = 'pose'
_BINS = 10  # of the calibration, as `neuropose evaluate pose` has it
_ROWS = {
    'ours, boxes of the data': '',
    'ours, and its mirror image': f'{MIRRORED} ',
    'ours in int8': f'{INT8} ',
    'ours, boxes of MoveNet': f'{FOUND} ',
    'ours, and its mirror image, so': f'{FOUND} {MIRRORED} ',
}


@dataclass(frozen=True)
class PoseJob:
    """One training."""

    seed: int

    @property
    def name(self) -> str:
        """Unique among the jobs of a run; a folder's name."""
        return f'pose-{self.seed}'


@dataclass(frozen=True)
class PoseResult:
    """What a training came to on the test part.

    Attributes:
        figures: ``pck@0.1`` ... and `ECE` in the boxes of the data; with `MIRRORED` in front,
            of a second look at the mirror image, too; with `INT8`, of that variant; with
            `FOUND`, in the boxes around what the baseline found. `SPEEDUP`: of int8 against
            float32, where people were there to quantise on.
        seconds: of the training, in its last go.
    """

    seed: int
    figures: Mapping[str, float]
    parameters: int
    seconds: float


@dataclass(frozen=True)
class PoseWork:
    """What the trainings share; an `AnyWork`.

    Attributes:
        root: of the data.
        folder: of the results, one below it for each job.
        every: of the test pictures every so many is looked at.
    """

    recipe: PoseRecipe
    root: Path
    folder: Path
    cache: Path | None = None
    resume: bool = False
    every: int = 1

    def earlier(self, job: PoseJob) -> PoseResult | None:
        """Return what a job came to before, where that is to be kept."""
        if not self.resume:
            return None
        try:
            return PoseResult(**json.loads(
                (self.folder / job.name / RESULT).read_text('utf-8')))
        except (OSError, ValueError, TypeError):
            return None

    def run(self, job: PoseJob, report: Report) -> PoseResult:
        """Train, export, and ask the exported model about the test part.

        Raises:
            TrainingError, DataError: it cannot be trained.
        """
        data, folder = self.recipe.data, self.folder / job.name
        pictures = read_picture_set(data.form, self.root, data.part)
        learnt = prepare(self.recipe, pictures, job.seed, cache=self.cache)
        begin = time.monotonic()
        trained = train_pose(
            self.recipe, learnt, job.seed, place=Place(folder, self.resume, report))
        seconds = time.monotonic() - begin
        save_pose(trained, folder / FILE_NAME)
        test = read_picture_set(data.form, self.root, TEST)
        test = test.only(test.pictures[::self.every])
        samples = draw(self.recipe, learnt.train, learnt.held)
        save_samples(samples, folder / SAMPLES)
        done = export_pose(trained, folder / MODEL_FOLDER,
                           PoseExportSettings(_NAME, half=False), samples, lambda _: None)
        found = ask(done.folder, {
            '': _NAME, f'{MIRRORED} ': f'{_NAME}:mirrored', f'{INT8} ': f'{_NAME}-int8'}, test)
        other = in_found_boxes(test, self.root)
        if other is not None:
            found |= ask(done.folder, {
                f'{FOUND} ': _NAME, f'{FOUND} {MIRRORED} ': f'{_NAME}:mirrored'}, other)
        worth = int8_worth(done.variants)
        if worth is not None:
            found[SPEEDUP] = worth.speedup
        result = PoseResult(
            job.seed, found, int(trained.trained_on['parameters']), seconds)
        try:
            (folder / RESULT).write_text(json.dumps(asdict(result)), 'utf-8')
        except OSError as error:
            raise TrainingError(f'{folder / RESULT}: cannot be written ({error.strerror}); make '
                                'room and go on with --resume') from error
        return result


def ask(folder: Path, looks: Mapping[str, str], pictures: PictureSet) -> dict[str, float]:
    """Return PCK and calibration error of a model, run as the pose node runs it, in given boxes.

    Args:
        folder: of the exported model.
        looks: what is put before the figures' names -> model to ask, as estimators are named.
    """
    registry = load_registry(folder / ENTRY_FILE)
    askers = {before: InBoxes(create_region_estimator(
        name, runtime='cpu', threads=1, registry=registry, announce=lambda _: None))
        for before, name in looks.items()}
    asked: dict[str, list[Asked]] = {before: [] for before in looks}
    try:
        for _, truth, image in load_pictures(pictures.pictures, Findings()):
            for before, asker in askers.items():
                asked[before].append((truth, asker.ask(truth, image)))
    finally:
        for asker in askers.values():
            asker.close()
    figures: dict[str, float] = {}
    for before, asker in askers.items():
        people = gather(pictures.layout, asker.layout, asked[before])
        figures |= {f'{before}pck@{limit:g}': pck_of(people, limit).value for limit in LIMITS}
        counted = people.counted
        figures[f'{before}{ECE}'] = confidence_curve(
            people.scores[counted], people.distances[counted] <= RIGHT_WITHIN, _BINS).ece
    return figures


def in_found_boxes(pictures: PictureSet, root: Path) -> PictureSet | None:
    """Return frames of J-HMDB with boxes around what MoveNet found; None = nobody looked there."""
    pairs = _pairs(root)
    if pairs is None:
        return None
    found = {pair.name: pair for part in pairs for pair in part}
    changed = []
    for picture in pictures.pictures:
        pair = found.get(f'{picture.path.parent.name}/{picture.path.stem}')
        if pair is None or picture.frame < 0:
            return None
        points = pair.found[picture.frame]
        seen = pair.scores[picture.frame] >= _LEAST_SCORE
        box = _around(points[seen] if seen.sum() > 2 else points)
        changed.append(replace(picture, boxes=box[np.newaxis]))
    return pictures.only(tuple(changed))


def _around(points: Floats) -> Floats:
    low, high = points.min(0), points.max(0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2 * _BOX_GROWTH, 4)
    return np.concatenate((middle - half, middle + half)).astype(np.float32)


def baseline(root: Path) -> dict[str, float]:
    """Return the PCK of MoveNet's own run over the videos; {} = it is not there.

    Joints mean different places to it: for each the mean offset, in sizes of the person, is
    taken from the training part and added.
    """
    pairs = _pairs(root)
    if pairs is None:
        return {}
    train, test = pairs
    offsets = joint_offsets(train)
    figures = accuracy([in_truth_definition(pair.found, pair, offsets) for pair in test], test)
    return {f'pck@{limit:g}': figures[f'pck@{limit:g}'] for limit in LIMITS}


def _pairs(root: Path) -> tuple[tuple[Pair, ...], tuple[Pair, ...]] | None:
    try:
        pairs = read_pairs(root)
    except DataError:  # a set without detections is none the less one to learn from
        return None
    return sure(pairs.train), sure(pairs.test)


def reproduce_pose(
    recipe: PoseRecipe, root: Path, folder: Path, *, seeds: int = 3, workers: int = 2,
    cache: Path | None = None, resume: bool = False, every: int = 1, watch: Watch = nobody,
) -> dict[str, Any]:
    """Train with several seeds, ask about the test part, and return the figures.

    Args:
        folder: of this run; results of an earlier one in it are thrown away.
        resume: go on with a run that was cut off; it must be of the same recipe.
        every: of the test pictures every so many is looked at.

    Raises:
        TrainingError: a training fails, or the folder holds something else.
        DataError: the data cannot be read.
    """
    _open(folder, recipe, resume)
    data = recipe.data
    pictures = read_picture_set(data.form, root, data.part)
    # Before the trainings, which would all cut the same people out at once.
    findings = Findings()
    learnt = prepare(recipe, pictures, 0, cache=cache, findings=findings)
    begin = time.monotonic()
    work = PoseWork(recipe, root, folder / 'jobs', cache, resume, every)
    results = run_jobs(work, [PoseJob(seed) for seed in range(seeds)], workers, watch)
    return {
        'name': pictures.name, 'seeds': seeds, 'pictures': learnt.pictures[0],
        'people': len(learnt.train), 'left_out': len(findings),
        **_means(results), 'baseline': {MODEL: baseline(root)}, 'int8': _int8(results),
        'params': results[0].parameters,
        'minutes': sum(result.seconds for result in results) / 60,
        'minutes_in_all': (time.monotonic() - begin) / 60,
        'by_seed': {name: [result.figures[name] for result in results]
                    for name in results[0].figures}}


def _int8(results: Sequence[PoseResult]) -> dict[str, Any]:
    """Return whether int8 is worth taking on this processor, over all seeds."""
    name = f'pck@{LIMITS[0]:g}'
    if any(SPEEDUP not in result.figures for result in results):
        return {}
    worth = Int8Worth(
        float(np.mean([one.figures[name] - one.figures[f'{INT8} {name}'] for one in results])),
        float(np.mean([one.figures[SPEEDUP] for one in results])))
    return {**asdict(worth), 'worth': worth.worth, 'said': str(worth)}


def _means(results: Sequence[PoseResult]) -> dict[str, float]:
    values = {}
    for name in results[0].figures:
        found = [result.figures[name] for result in results]
        values[name] = float(np.mean(found))
        values[f'{name}_std'] = float(np.std(found, ddof=1)) if len(found) > 1 else 0.0
    return values


def _open(folder: Path, recipe: PoseRecipe, resume: bool) -> None:
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.is_file():
        raise TrainingError(f'{folder} holds something else: choose an empty folder by --out')
    identity = {'recipe': fingerprint(recipe)}
    if resume and marker.is_file():
        if json.loads(marker.read_text('utf-8')).get('identity') != identity:
            raise TrainingError(f'{folder}: the recipe has changed since that run was cut off: '
                                'start anew, without --resume')
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        marker.write_text(
            json.dumps({'identity': identity, 'recipe': to_table(recipe)}, indent=1), 'utf-8')
    except OSError as error:
        raise TrainingError(f'{folder}: cannot be written ({error.strerror})') from error


def table(values: Mapping[str, Any]) -> str:
    """Return the figures for people."""
    lines = [f'{values["name"]}: {values["pictures"]} pictures to learn from, '
             f'{values["seeds"]} seeds, {values["params"] / 1e6:.1f} M weights, '
             f'{values["minutes"]:.0f} minutes of training',
             f'{"":36}  {"PCK@0.1":>14}  {"PCK@0.2":>14}  {"ECE":>14}']
    for title, before in _ROWS.items():
        if f'{before}pck@0.1' in values:
            shown = (f'{values[name]:.3f} ± {values[f"{name}_std"]:.3f}' for name in (
                f'{before}pck@0.1', f'{before}pck@0.2', f'{before}{ECE}'))
            lines.append(f'{title:36}  ' + '  '.join(f'{text:>14}' for text in shown))
    for name, found in values['baseline'].items():
        if found:
            lines.append(f'{name + ", whole picture":36}  '
                         f'{found["pck@0.1"]:>14.3f}  {found["pck@0.2"]:>14.3f}')
    return '\n'.join(lines + ([values['int8']['said']] if values['int8'] else []))
