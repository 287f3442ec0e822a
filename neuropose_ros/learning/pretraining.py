"""Learning how people move from poses without labels: hidden joints and times, what comes next.

The completion learns to say where hidden joints are (masked modelling, as BERT's and MAE's), the
encoder to say the same and where each joint will have moved some ticks later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.adaptation import adapt, windows
from neuropose_ros.learning.augmentation import bursts
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.config import fingerprint, to_table
from neuropose_ros.learning.networks import losses
from neuropose_ros.learning.networks.recogniser import Encoded, Recogniser, build
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining_settings import PretrainingSettings
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.sampling import Batch, Sampler
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from neuropose_ros.learning.training.loop import derived_seed, fit
from neuropose_ros.learning.training.processes import Team
from neuropose_ros.learning.training.recognition import check_share, moved
from neuropose_ros.learning.weights import content_hash, shared_weights

FILE_NAME = 'pretrained.pt'
_KIND = 'pretrained'
_CODE = 64
_TEMPERATURE = 0.2  # of the contrast


class Guess(NamedTuple):
    """What is said of N clips of T ticks with joints hidden.

    Attributes:
        encoded: of the recogniser's completion and encoder.
        now: (N, T, K, D) the whole pose, from the encoder.
        ahead: (N, T, K, D) how far each joint moves within the horizon.
        code: (N, F) of unit length, what the clip as a whole is like.
    """

    encoded: Encoded
    now: Tensor
    ahead: Tensor
    code: Tensor


class Pretrainer(nn.Module):
    """A recogniser whose head for labels is replaced by heads for poses."""

    def __init__(self, recogniser: Recogniser) -> None:
        """Take the network that is to learn."""
        super().__init__()
        self.recogniser = recogniser
        joints, dimensions = len(recogniser.layout), recogniser.dimensions
        self._shape = (joints, dimensions)
        width = recogniser.config.encoded
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width, width), nn.SiLU(), nn.Linear(width, joints * dimensions))
            for _ in range(2))
        self.code = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, _CODE))

    def forward(self, keypoints: Tensor, mask: Tensor, lengths: Tensor) -> Guess:
        """Guess from (N, T, K, D) poses where `mask` (N, T, K) says what may be seen."""
        encoded = self.recogniser.encode(keypoints, mask, lengths)
        moves, inside = encoded.moves, encoded.valid[..., None]
        now, ahead = (head(moves).unflatten(-1, self._shape) for head in self.heads)
        mean = (moves * inside).sum(1) / inside.sum(1).clamp(min=1)
        top = moves.masked_fill(inside <= 0, -1e4).amax(1)
        code = functional.normalize(self.code(torch.cat((mean, top), -1)), dim=-1)
        return Guess(encoded, now, ahead, code)


@dataclass(frozen=True)
class HiddenBatch:
    """A batch, and what may be seen of it (N, T, K), 1 = may."""

    batch: Batch
    visible: Tensor


class Pretraining:
    """The loop's task."""

    def __init__(
        self, recogniser: Recogniser, sampler: Sampler, settings: PretrainingSettings,
    ) -> None:
        """Take the network and the poses."""
        self.network: nn.Module = Pretrainer(recogniser)
        self.steps_per_epoch = len(sampler)
        self._sampler, self._settings = sampler, settings

    def batches(self, epoch: int, team: Team) -> Iterator[HiddenBatch]:
        """Give the batches of an epoch with joints and ticks hidden."""
        check_share(self._sampler, team)
        rng = np.random.default_rng([self._sampler.seed, epoch, team.rank, 3])
        variants = [self._sampler.epoch(epoch, team.rank, team.size, variant)
                    for variant in range(2 if self._settings.contrast_weight else 1)]
        for same in zip(*variants, strict=True):
            batch = same[0] if len(same) == 1 else joined(*same)
            hidden = hide(tuple(batch.mask.shape), self._settings, rng)
            visible = batch.mask * torch.from_numpy(~hidden)
            yield HiddenBatch(moved(batch, team.device), visible.to(team.device))

    def losses(self, network: nn.Module, hidden: HiddenBatch) -> dict[str, Tensor]:
        """Return the distances from the truth where it was hidden, and of the motion ahead."""
        settings, batch, visible = self._settings, hidden.batch, hidden.visible
        guess: Guess = network(batch.keypoints, visible, batch.lengths)
        wanted = batch.truth_mask * (1 - visible)
        out = {'pose': losses.distance(guess.now, batch.truth, wanted)}
        if self._completes:
            out['completion'] = losses.distance(
                guess.encoded.done.keypoints, batch.truth, wanted)
            out['prediction'] = losses.distance(
                guess.encoded.done.predicted, batch.truth, batch.truth_mask)
        ahead = settings.horizon_ticks
        if settings.motion_weight and batch.truth.shape[1] > ahead:
            moved_by = batch.truth[:, ahead:] - batch.truth[:, :-ahead]
            known = batch.truth_mask[:, ahead:] * batch.truth_mask[:, :-ahead]
            out['motion'] = settings.motion_weight * losses.distance(
                guess.ahead[:, :-ahead], moved_by, known)
        if settings.contrast_weight:
            out['contrast'] = settings.contrast_weight * contrast(guess.code)
        return out

    @property
    def _completes(self) -> bool:
        assert isinstance(self.network, Pretrainer)
        return self.network.recogniser.config.completion

    def score(self, network: nn.Module) -> dict[str, float]:
        """Judge nothing: the last weights are kept."""
        del network
        return {}


def joined(first: Batch, second: Batch) -> Batch:
    """Return both batches as one, the shorter one padded; without scenes."""
    ticks = max(first.mask.shape[1], second.mask.shape[1])

    def both(name: str) -> Tensor:
        parts = (getattr(first, name), getattr(second, name))
        return torch.cat([functional.pad(
            part, (*[0, 0] * (part.ndim - 2), 0, ticks - part.shape[1])) for part in parts])

    return Batch(
        both('keypoints'), both('mask'), torch.cat((first.lengths, second.lengths)),
        torch.cat((first.labels, second.labels)), both('truth'), both('truth_mask'), None, None,
        first.names + second.names)


def contrast(code: Tensor) -> Tensor:
    """Return how badly clips are told apart: (2 N, F), of which i and i + N are the same clip."""
    count = len(code) // 2
    alike = (code @ code.T / _TEMPERATURE).masked_fill(
        torch.eye(len(code), dtype=torch.bool, device=code.device), -1e4)
    partner = torch.arange(len(code), device=code.device).roll(count)
    return functional.cross_entropy(alike, partner)


def hide(
    shape: tuple[int, ...], settings: PretrainingSettings, rng: np.random.Generator,
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Draw what is hidden of (N, T, K): joints in bursts, and whole poses in bursts."""
    clips, ticks, joints = shape
    single = bursts((clips, joints), ticks, settings.hidden_joints, settings.burst_ticks, rng)
    whole = bursts((clips, 1), ticks, settings.hidden_ticks, settings.burst_ticks, rng)
    return np.asarray((single | whole).transpose(0, 2, 1))


def gather(recipe: Recipe, sources: Sequence[ClipSet]) -> ClipSet:
    """Return the poses of all sources in the form of the first, in clips as long as its own.

    Raises:
        DataError: a source cannot be brought into that form.
    """
    first = sources[0]
    lengths_s = [float(clip.times_s[-1]) for clip in first.clips]
    length_s = max(float(np.quantile(lengths_s, 0.75)), 0.2)
    parts = [first] + [
        windows(adapt(source, first.layout, first.dimensions,
                      vertical=recipe.sampling.vertical), length_s)
        for source in sources[1:]]
    clips = tuple(
        type(clip)(f'{part.name}/{clip.name}', clip.keypoints, clip.times_s, -1, clip.group)
        for part in parts for clip in part.clips)
    return ClipSet('+'.join(part.name for part in parts), first.layout, clips, None,
                   '; '.join(part.source for part in parts if part.source))


def pretrain(
    recipe: Recipe, sources: Sequence[ClipSet], seed: int, place: Place | None = None,
) -> dict[str, Tensor]:
    """Pre-train a recipe's network.

    Args:
        sources: poses; labels are not looked at. The first decides on joints and dimensions.

    Returns:
        The weights that `weights.adopt` takes over.

    Raises:
        TrainingError: see `fit`; or pre-training is turned off.
        DataError: a source cannot be used.
    """
    place = place or Place()
    settings = recipe.pretraining
    if not settings.epochs:
        raise TrainingError('pretraining.epochs is 0: there is nothing to do')
    clips = gather(recipe, sources)
    torch.manual_seed(derived_seed('weights', seed))
    recogniser = build(recipe.network, clips.layout, clips.dimensions, 1)
    sampler = Sampler(clips, recipe.sampling, recipe.augmentation, seed=seed)
    identity = {'layout': clips.layout.id, 'dimensions': clips.dimensions,
                'recipe': fingerprint(recipe), 'data': content_hash(clips)}
    trained = fit(
        Pretraining(recogniser, sampler, settings), settings, seed, folder=place.folder,
        resume=place.resume, identity=identity, report=place.report, team=place.team)
    assert isinstance(trained.network, Pretrainer)
    return shared_weights(trained.network.recogniser)


def save_pretrained(
    weights: dict[str, Tensor], recipe: Recipe, clips: ClipSet, path: Path,
) -> None:
    """Write what `pretrain` gave, whole or not at all.

    Raises:
        TrainingError: it cannot be written.
    """
    identity = {'kind': _KIND, 'layout': clips.layout.id, 'dimensions': clips.dimensions,
                'recipe': to_table(recipe)}
    write_checkpoint(Checkpoint(identity, weights), path)


def read_pretrained(path: str | Path, clips: ClipSet) -> dict[str, Tensor]:
    """Read what `save_pretrained` wrote; a folder stands for the file in it.

    Args:
        clips: that it is wanted for.

    Raises:
        TrainingError: it is not there, damaged, or of other joints.
    """
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    return dict(read_checkpoint(path, {
        'kind': _KIND, 'layout': clips.layout.id, 'dimensions': clips.dimensions}).state)
