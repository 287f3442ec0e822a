"""Estimators, detectors and their parts by the names of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.inference.select import create_runtime
from neuropose_ros.pose.detectors import LEAST_SCORE, MOST_PEOPLE, BoxDetector
from neuropose_ros.pose.ensemble import Cascade, Mirrored
from neuropose_ros.pose.estimator import PersonDetector, PoseEstimator, RegionEstimator
from neuropose_ros.pose.movenet import MoveNet
from neuropose_ros.pose.onestage import ONE_STAGE_DECODERS, OneStage
from neuropose_ros.pose.topdown import TOP_DOWN_DECODERS, TopDown

Registry = Mapping[str, ModelEntry]

DEFAULT_DETECTOR = 'rtmdet-nano'
"""Who finds people for a model that needs regions, where no detector is named."""
_BLAZEPOSE = 'blazepose'
_MOVENET = 'movenet'
_MIRRORED = ':mirrored'


def pose_models(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the names that `create_estimator` knows."""
    return _of_kind('pose', registry)


def detector_models(registry: Registry | None = None) -> tuple[str, ...]:
    """Return the names that `create_detector` knows."""
    return _of_kind('detector', registry)


def create_estimator(
    model: str, *, detector: str = '', runtime: str = 'auto', precision: str = 'fp16',
    threads: int = 0, smoothing: bool = True, tracking: bool = True,
    max_people: int = MOST_PEOPLE, detect_every: int = 1, registry: Registry | None = None,
    announce: Announce = announce_on_stderr,
) -> PoseEstimator:
    """Return an estimator, its networks fetched on first use.

    Args:
        model: one of `pose_models`, or several as in `create_region_estimator`. BlazePose
            without a detector follows one person.
        detector: one of `detector_models`; '' = none where the model finds people by itself,
            else `DEFAULT_DETECTOR`.
        runtime, precision, threads: see `create_runtime`.
        smoothing: the model's own published smoothing (BlazePose without a detector).
        tracking: off = every frame is a picture of its own.
        max_people: the best ones are returned.
        detect_every: frames from one look of the detector to the next.
        registry: None = the package's list and the user's.
        announce: takes one sentence for people.

    Raises:
        ParameterError: a name is unknown, or the detector has no use.
        ModelError: a model cannot be had or loaded.
    """
    loader = _Loader(_registry(registry), runtime, precision, threads, announce)
    entry = loader.entry(first_name(model), 'pose')
    is_ensemble = model != entry.name
    if not is_ensemble and entry.decoder in ONE_STAGE_DECODERS:
        if detector:
            raise ParameterError(
                f'the model {model} finds people by itself: leave the detector empty, not '
                f'{detector!r}')
        return OneStage(loader.load(entry), entry, most_people=max_people)
    if not is_ensemble and entry.decoder == _BLAZEPOSE and not detector:
        from neuropose_ros.pose.blazepose.estimator import BlazePose

        search, landmarks = (loader.load(loader.registry[part]) for part in entry.parts)
        return BlazePose(
            search, landmarks, smoothing=smoothing, tracking=tracking, name=entry.name)
    from neuropose_ros.pose.many import ManyPeople

    # Some of the boxes may turn out to be nobody: the best people are chosen after that. And an
    # engine built ahead of time fits, whatever number of people is asked for.
    most = max(max_people, MOST_PEOPLE)
    finder = loader.detector(detector or DEFAULT_DETECTOR, most, LEAST_SCORE)
    return ManyPeople(
        finder, loader.ensemble(model, most), max_people=max_people,
        detect_every=detect_every if tracking else 1, announce=announce)


def first_name(model: str) -> str:
    """Return the entry that looks first, of a model as `create_estimator` takes it."""
    return model.partition('+')[0].removesuffix(_MIRRORED)


def network_names(
    model: str, *, detector: str = '', registry: Registry | None = None,
) -> tuple[str, ...]:
    """Return the names of all networks that `create_estimator` loads for these names."""
    known = _registry(registry)
    names = tuple(part.removesuffix(_MIRRORED) for part in model.split('+'))
    decoder = known[names[0]].decoder if model in known else ''
    if decoder in ONE_STAGE_DECODERS or (decoder == _BLAZEPOSE and not detector):
        return names
    return (*names, detector or DEFAULT_DETECTOR)


def create_detector(
    name: str, *, runtime: str = 'auto', precision: str = 'fp16', threads: int = 0,
    max_people: int = MOST_PEOPLE, least_score: float = LEAST_SCORE,
    registry: Registry | None = None, announce: Announce = announce_on_stderr,
) -> PersonDetector:
    """Return a person detector, its network fetched on first use.

    Args:
        name: one of `detector_models`.
        runtime, precision, threads: see `create_runtime`.
        max_people: the best ones are returned.
        least_score: of a person, 0..1.
        registry: None = the package's list and the user's.
        announce: takes one sentence for people.

    Raises:
        ParameterError: the name is unknown.
        ModelError: the model cannot be had or loaded.
    """
    loader = _Loader(_registry(registry), runtime, precision, threads, announce)
    return loader.detector(name, max_people, least_score)


def create_region_estimator(
    name: str, *, runtime: str = 'auto', precision: str = 'fp16', threads: int = 0,
    batch: int = MOST_PEOPLE, registry: Registry | None = None,
    announce: Announce = announce_on_stderr,
) -> RegionEstimator:
    """Return what finds the joints of people whose boxes are known.

    Args:
        name: one of `pose_models` that needs boxes, or BlazePose; ``a+b`` = b looks where a
            found the body (`Cascade`), ``a:mirrored`` = a looks twice (`Mirrored`).
        runtime, precision, threads: see `create_runtime`.
        batch: the largest number of people at once.
        registry: None = the package's list and the user's.
        announce: takes one sentence for people.

    Raises:
        ParameterError: the name is unknown, or its model finds people by itself.
        ModelError: the model cannot be had or loaded.
    """
    loader = _Loader(_registry(registry), runtime, precision, threads, announce)
    return loader.ensemble(name, batch)


@dataclass(frozen=True)
class _Loader:
    registry: Registry
    runtime: str
    precision: str
    threads: int
    announce: Announce

    def entry(self, name: str, kind: str) -> ModelEntry:
        title = {'pose': 'pose model', 'detector': 'person detector'}[kind]
        found = self.registry.get(name)
        known = ', '.join(_of_kind(kind, self.registry))
        if found is None:
            raise ParameterError(f'unknown {title} {name!r}; known are {known}')
        if found.kind != kind:
            raise ParameterError(
                f'the model {name} is no {title}: it is of the kind {found.kind}; known are '
                f'{known}')
        return found

    def load(self, entry: ModelEntry, batch: int = 1) -> Runtime:
        [path] = ensure_models(entry.name, registry=self.registry)
        return create_runtime(
            path, runtime=self.runtime, precision=self.precision, batch=batch,
            input=entry.input, threads=self.threads, announce=self.announce)

    def detector(self, name: str, most_people: int, least_score: float) -> PersonDetector:
        entry = self.entry(name, 'detector')
        return BoxDetector(
            self.load(entry), entry, most_people=most_people, least_score=least_score)

    def ensemble(self, name: str, batch: int) -> RegionEstimator:
        """Return one network, or several that look one after the other, some mirrored."""
        parts = name.split('+')
        entries = [self.entry(part.removesuffix(_MIRRORED), 'pose') for part in parts]
        for entry in entries:
            if entry.decoder in ONE_STAGE_DECODERS:
                raise ParameterError(
                    f'the model {entry.name} finds people by itself, not in given boxes')
        networks = [self.region_estimator(entry, batch) for entry in entries]
        looks = [
            Mirrored(network) if part.endswith(_MIRRORED) else network
            for part, network in zip(parts, networks, strict=True)]
        return reduce(Cascade, looks)

    def region_estimator(self, entry: ModelEntry, batch: int) -> RegionEstimator:
        if entry.decoder == _BLAZEPOSE:
            from neuropose_ros.pose.blazepose.people import BlazePosePeople

            # Its own detector is of no use here: the boxes come from elsewhere.
            landmarks = self.registry[entry.parts[-1]]
            return BlazePosePeople(
                self.load(landmarks, batch), replace(landmarks, name=entry.name))
        make = _REGION_ESTIMATORS.get(entry.decoder)
        if make is None:
            raise ParameterError(
                f'the decoder {entry.decoder!r} of the model {entry.name} is unknown; pose '
                f'models have one of {", ".join((*_REGION_ESTIMATORS, *ONE_STAGE_DECODERS))}')
        return make(self.load(entry, batch), entry)


_REGION_ESTIMATORS: Mapping[str, Callable[[Runtime, ModelEntry], RegionEstimator]] = {
    **dict.fromkeys(TOP_DOWN_DECODERS, TopDown), _MOVENET: MoveNet,
}


def _registry(registry: Registry | None) -> Registry:
    return load_registry() if registry is None else registry


def _of_kind(kind: str, registry: Registry | None) -> tuple[str, ...]:
    return tuple(
        name for name, entry in _registry(registry).items() if entry.kind == kind)
