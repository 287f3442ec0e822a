"""Refiners by name: what was learnt, ready to be used by one stage after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from neuropose_ros.core.errors import DataError, ModelError
from neuropose_ros.core.places import Places
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.refinement.context import CONTEXT_FILE, ActionPrior, read_context
from neuropose_ros.refinement.description import FILE_NAME
from neuropose_ros.refinement.network import LoadedRefiner, OnnxEvidence, open_refiner
from neuropose_ros.refinement.noise import NoiseModel
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.smoothing import smooth
from neuropose_ros.refinement.stage import RefinementStage

DEFAULT = 'jhmdb14'
NONE = 'none'
VARIABLE = 'NEUROPOSE_REFINERS'
_PLACES = Places('refiners', VARIABLE, FILE_NAME)


@dataclass(frozen=True)
class Refiner:
    """What was learnt of detectors and people; without it the filters work alone.

    Attributes:
        name: '' = nothing was learnt.
        files: sha256 of every file that decides over results, by ``name/file``.
    """

    name: str = ''
    noise: NoiseModel | None = None
    loaded: LoadedRefiner | None = None
    context: ActionPrior | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def stage(
        self, parameters: RefinementParameters, layouts: Callable[[str], SkeletonLayout],
    ) -> RefinementStage:
        """Return a stage that has seen nobody."""
        return RefinementStage(
            parameters, network=self._network(), noise=self.noise, layouts=layouts,
            context=self.context)

    def smoother(
        self, parameters: RefinementParameters, layouts: Callable[[str], SkeletonLayout],
    ) -> Callable[[Sequence[PoseFrame]], list[PoseFrame]]:
        """Return what refines all frames of one recording at once."""
        return partial(
            smooth, parameters=parameters, network=self._network(), noise=self.noise,
            layouts=layouts)

    def _network(self) -> OnnxEvidence | None:
        return None if self.loaded is None else self.loaded.network()

    def close(self) -> None:
        """Give the networks back."""
        if self.loaded is not None:
            self.loaded.close()


def load_refiner(
    name: str = '', *, runtime: str = 'cpu', threads: int = 1,
    announce: Announce = announce_on_stderr,
) -> Refiner:
    """Load what was learnt.

    Args:
        name: of one of `list_refiners`, or the path of a folder; '' = `DEFAULT` where it is
            there; ``none`` = nothing.
        announce: takes one sentence for people.

    Raises:
        ModelError: there is no such refiner, or it is damaged.
    """
    if name == NONE:
        return Refiner()
    folder = _PLACES.find(name or DEFAULT)
    if folder is None and not name:
        announce(f'poses are refined without a network: there is no refiner {DEFAULT!r}')
        return Refiner()
    if folder is None:
        there = ', '.join(list_refiners()) or 'none'
        raise ModelError(f'there is no refiner {name!r} (there is: {there}): make one with '
                         '`neuropose train refiner`, or give its folder')
    loaded = open_refiner(folder, runtime=runtime, threads=threads, announce=announce)
    try:
        noise = NoiseModel.from_json(loaded.description.noise)
        context = read_context(folder)
    except DataError as error:
        loaded.close()
        raise ModelError(f'{folder / FILE_NAME}: {error}: train the refiner again') from error
    except ModelError:
        loaded.close()
        raise
    decisive = (FILE_NAME, CONTEXT_FILE, *sorted(loaded.description.networks))
    return Refiner(folder.name, noise, loaded, context, {
        f'{folder.name}/{file}': file_sha256(folder / file)
        for file in decisive if (folder / file).is_file()})


def list_refiners() -> dict[str, Path]:
    """Return every refiner by name; of two with one name the first place wins.

    The places: those in $NEUROPOSE_REFINERS, the user's data folder, ``config/refiners``.
    """
    return _PLACES.list()
