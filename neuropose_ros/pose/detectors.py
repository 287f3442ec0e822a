"""Person detectors: YOLOX and RTMDet, behind `PersonDetector`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.decoders.boxes import PERSON, end_to_end_boxes, yolox_boxes, yolox_cells
from neuropose_ros.pose.estimator import Detections
from neuropose_ros.pose.geometry import LARGEST_OVERLAP, best_boxes, boxes_to_picture
from neuropose_ros.pose.network import PictureNetwork

LEAST_SCORE = 0.3
MOST_PEOPLE = 20

Reader = Callable[[Mapping[str, Tensor], float], tuple[Floats, Floats]]


class BoxDetector:
    """Finds people with one network in one pass over the whole picture."""

    def __init__(
        self, runtime: Runtime, entry: ModelEntry, *, least_score: float = LEAST_SCORE,
        most_people: int = MOST_PEOPLE, largest_overlap: float = LARGEST_OVERLAP,
    ) -> None:
        """Take a network.

        Args:
            runtime: the network.
            entry: what the registry says of it; a dynamic network runs at its input's size. Of
                its options, ``class`` is the class that counts as a person and ``fill`` the grey
                level beside the picture.
            least_score: of a person, 0..1.
            most_people: the best ones are returned.
            largest_overlap: of two people, intersection over union; the weaker one goes.

        Raises:
            ModelError: the network's input or outputs are not those of the entry's decoder.
        """
        self._network = PictureNetwork(runtime, entry)
        reader = _READERS.get(entry.decoder)
        if reader is None:
            raise ModelError(
                f'model {entry.name} is no person detector: its decoder is {entry.decoder!r}; '
                f'detectors have one of {", ".join(_READERS)}')
        self._read = reader(self._network)
        self._least_score = least_score
        self._most_people = most_people
        self._largest_overlap = largest_overlap

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    def detect(self, picture: Picture) -> Detections:
        """Return the people, best first, cut at the edges of the picture.

        Boxes that are no boxes (not finite, inverted, under a pixel) are left out.
        """
        crop, warp = self._network.whole(picture)
        boxes, scores = self._read(self._network.infer(crop), self._least_score)
        kept, boxes = best_boxes(
            boxes_to_picture(boxes, warp), scores, picture.width, picture.height,
            most=self._most_people, largest_overlap=self._largest_overlap)
        return Detections(boxes, np.minimum(scores[kept], 1).astype(np.float32))

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()


def _yolox(network: PictureNetwork) -> Reader:
    size = network.entry.input
    cells = len(yolox_cells(size.width, size.height)[0])
    kept = int(network.entry.options.get('class', PERSON))
    fitting = [
        name for name, shape in network.shapes.items()
        if len(shape) == 3 and shape[:2] == (1, cells) and shape[2] > 5 + kept]
    if len(fitting) != 1:
        raise network.misfit(f'one output of (1, {cells}, 5 + classes)')
    output = fitting[0]

    def read(outputs: Mapping[str, Tensor], least_score: float) -> tuple[Floats, Floats]:
        values = network.download(outputs[output])[0]
        return yolox_boxes(values, size.width, size.height, least_score, kept)

    return read


def _end_to_end(network: PictureNetwork) -> Reader:
    kept = int(network.entry.options.get('class', PERSON))
    boxes = [name for name, shape in network.shapes.items()
             if len(shape) == 3 and shape[0] == 1 and shape[2] == 5]
    classes = [name for name, shape in network.shapes.items() if len(shape) == 2]
    if len(boxes) != 1 or len(classes) > 1 or len(network.shapes) > 2:
        raise network.misfit('boxes of (1, N, 5) and classes of (1, N)')

    def read(outputs: Mapping[str, Tensor], least_score: float) -> tuple[Floats, Floats]:
        dets = network.download(outputs[boxes[0]])[0]
        labels: NDArray[Any] | None = None
        if classes:
            labels = network.download(outputs[classes[0]])[0]
        return end_to_end_boxes(dets, labels, least_score, kept)

    return read


_READERS: Mapping[str, Callable[[PictureNetwork], Reader]] = {
    'yolox': _yolox, 'yolox-nms': _end_to_end, 'rtmdet': _end_to_end,
}
DETECTOR_DECODERS = tuple(_READERS)
