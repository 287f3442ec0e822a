"""Top-down estimation: a crop around each person, joints by SimCC or heat map (RTMPose, HRNet)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Floats, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.decoders.coordinates import heatmap_points, simcc_points, split_ratio
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.geometry import points_to_picture, top_down_warps
from neuropose_ros.pose.network import PictureNetwork, Reader
from neuropose_ros.pose.people import LEAST_JOINT_SCORE, make_person

PADDING = 1.25
"""Share of the box that crops show, as mmpose trains and publishes its networks."""
_LEAST_SIDE_PX = 1.0


class TopDown:
    """Finds the joints of the person in each region; implements `RegionEstimator`."""

    def __init__(self, runtime: Runtime, entry: ModelEntry) -> None:
        """Take a network.

        Args:
            runtime: the network.
            entry: what the registry says of it; of its options, ``padding`` is the share of the
                box that the network was trained to see and ``least_joint_score`` the score of a
                joint that is seen.

        Raises:
            ModelError: the network's input or outputs are not those of the entry's decoder.
        """
        reader = _READERS.get(entry.decoder)
        if reader is None:
            raise ModelError(
                f'model {entry.name} is not read top-down: its decoder is {entry.decoder!r}; '
                f'such models have one of {", ".join(_READERS)}')
        self._layout = entry.skeleton()
        self._network = PictureNetwork(runtime, entry)
        self._read = reader(self._network, len(self._layout))
        self._padding = entry.options.get('padding', PADDING)
        self._least_joint_score = entry.options.get('least_joint_score', LEAST_JOINT_SCORE)

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._layout

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order; the crop is around the region's box."""
        if not regions:
            return []
        boxes = np.stack([region.box for region in regions]).astype(np.float64)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + _LEAST_SIDE_PX)
        size = self._network.entry.input
        warps = top_down_warps(boxes, size.width, size.height, padding=self._padding)
        points, scores = self._network.read_crops(picture, warps, self._read)
        placed = points_to_picture(points, warps)
        return [
            make_person(
                person, person_scores, picture.width, picture.height,
                least_joint_score=self._least_joint_score)
            for person, person_scores in zip(placed, scores, strict=True)]

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()


def _simcc(network: PictureNetwork, joints: int) -> Reader:
    size = network.entry.input
    names = network.named('simcc_x', 'simcc_y')
    ratio = 0.0
    if all(network.shapes[name][:2] == (1, joints) and len(network.shapes[name]) == 3
           for name in names):
        bins = [network.shapes[name][2] for name in names]
        ratio = split_ratio(bins[0], bins[1], size.width, size.height) if bins else 0.0
    if not ratio:
        raise network.misfit(
            f'SimCC vectors of (1, {joints}, {size.width} * r) and (1, {joints}, {size.height} '
            '* r) with one ratio r')
    x, y = names

    def read(outputs: Mapping[str, Tensor]) -> tuple[Floats, Floats]:
        bins, scores = network.runtime.ops.simcc(outputs[x], outputs[y])
        return simcc_points(bins, scores, ratio), scores

    return read


def _heatmap(network: PictureNetwork, joints: int) -> Reader:
    size = np.array([network.entry.input.width, network.entry.input.height], np.float64)
    fitting = [name for name, shape in network.shapes.items()
               if len(shape) == 4 and shape[:2] == (1, joints)]
    cells_per_px = np.zeros(2)
    if len(fitting) == 1:
        cells_per_px = np.array(network.shapes[fitting[0]][:1:-1]) / size
    if not cells_per_px.all() or not np.isclose(*cells_per_px):
        raise network.misfit(
            f'one output of heat maps (1, {joints}, H, W) in the shape of the input')
    output = fitting[0]

    def read(outputs: Mapping[str, Tensor]) -> tuple[Floats, Floats]:
        cells, scores = network.runtime.ops.heatmaps(outputs[output])
        return heatmap_points(cells, scores, cells_per_px), scores

    return read


_READERS: Mapping[str, Callable[[PictureNetwork, int], Reader]] = {
    'simcc': _simcc, 'heatmap': _heatmap,
}
TOP_DOWN_DECODERS = tuple(_READERS)
