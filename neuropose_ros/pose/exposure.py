"""Whether dark pictures are brightened for a model."""

from __future__ import annotations

from collections.abc import Mapping

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.imaging.exposure import DARK_BELOW, Exposure
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import first_name

MODES = ('auto', 'on', 'off')
OPTION = 'dark_below'


def create_exposure(
    mode: str, model: str, registry: Mapping[str, ModelEntry] | None = None,
) -> Exposure | None:
    """Return what brightens dark pictures; None = pictures stay as they are.

    Args:
        mode: ``on``, ``off``, or ``auto`` = where the model's entry has the option ``dark_below``:
            only for models that were measured to find more that way.
        model: name of the pose model; of several, the first one decides.
        registry: None = the package's list and the user's.

    Raises:
        ParameterError: there is no such mode or model.
    """
    if mode not in MODES:
        raise ParameterError(f'exposure is {mode!r}; allowed are {", ".join(MODES)}')
    if mode == 'off':
        return None
    name = first_name(model)
    entry = (load_registry() if registry is None else registry).get(name)
    if entry is None:
        raise ParameterError(f'unknown pose model {name!r}')
    below = entry.options.get(OPTION, 0.0 if mode == 'auto' else DARK_BELOW)
    return Exposure(below) if below else None
