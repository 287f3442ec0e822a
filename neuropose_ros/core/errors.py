"""Errors that a user can act on: one clear sentence each."""


class NeuroposeError(Exception):
    """Base of all errors whose message is meant for the user as it stands."""


class SourceError(NeuroposeError):
    """A camera, file or stream cannot be opened or read."""


class ModelError(NeuroposeError):
    """A model cannot be fetched, verified, converted or loaded."""


class OutOfMemoryError(ModelError):
    """A device has no room for a network or a batch of this size; a smaller one may do."""


class LayoutError(NeuroposeError):
    """A skeleton layout is unknown or does not fit the data."""


class ImageError(NeuroposeError):
    """An image message or array has an impossible size, step, encoding or content."""


class DepthError(NeuroposeError):
    """A depth picture or the calibration of its camera cannot give metres."""


class ParameterError(NeuroposeError):
    """A parameter has the wrong type, is out of range, or contradicts another."""


class LabelError(NeuroposeError):
    """A label set is inconsistent, or a label is not in it."""


class DataError(NeuroposeError):
    """A data set, clip or label file cannot be used as it is."""


class TrainingError(NeuroposeError):
    """A network cannot be trained, or its checkpoint not be used, as asked."""


class SessionError(NeuroposeError):
    """A recorded session cannot be written, opened or used as asked."""


class PrivacyError(NeuroposeError):
    """Personal data would leave their bounds, or the key that guards them is not usable."""
