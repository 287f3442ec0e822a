"""Whether dark pictures are brightened for a model."""

from __future__ import annotations

from collections.abc import Mapping

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Image
from neuropose_ros.imaging.exposure import DARK_BELOW, Exposure
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import first_name

# Not on and off: ROS and YAML take these for booleans.
MODES = ('auto', 'always', 'never')
OPTION = 'dark_below'


def create_exposure(
    mode: str, model: str, registry: Mapping[str, ModelEntry] | None = None, *,
    announce: Announce = announce_on_stderr,
) -> Exposure | None:
    """Return what brightens dark pictures; None = pictures stay as they are.

    Args:
        mode: ``always``, ``never``, or ``auto`` = where the model's entry has the option
            ``dark_below``, and not 0: only for models that were measured to find more that way.
        model: name of the pose model; of several, the first one decides.
        registry: None = the package's list and the user's.
        announce: is told of the first picture that is brightened.

    Raises:
        ParameterError: there is no such mode or model.
    """
    if mode not in MODES:
        raise ParameterError(f'exposure is {mode!r}; allowed are {", ".join(MODES)}')
    if mode == 'never':
        return None
    name = first_name(model)
    entry = (load_registry() if registry is None else registry).get(name)
    if entry is None:
        raise ParameterError(f'unknown pose model {name!r}')
    below = entry.options.get(OPTION, 0.0) or (0.0 if mode == 'auto' else DARK_BELOW)
    return _Announced(below, model, announce) if below else None


class _Announced(Exposure):
    """Says so once, when it brightens for the first time."""

    def __init__(self, dark_below: float, model: str, announce: Announce) -> None:
        super().__init__(dark_below)
        self._model, self._announce = model, announce
        self._told = False

    def correct(self, image: Image) -> Image:
        bright = super().correct(image)
        if self.stops and not self._told:
            self._told = True
            self._announce(f'it is dark: pictures are brightened before {self._model} looks at '
                           'them (exposure)')
        return bright
