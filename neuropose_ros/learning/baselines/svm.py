"""The floor: a support vector machine on whole clips, stretched to one length and flattened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.sampling import Sampler, SamplingConfig

_SAMPLING = SamplingConfig(ticks=32, batch_size=256)


def svm_scores(train: ClipSet, test: ClipSet) -> NDArray[np.float64]:
    """Return (N, C) scores of the test clips; the highest is the answer.

    Normalised joints of 32 times and their motion, radial kernel, C = 100 (chosen on held-back
    training clips of J-HMDB). There is nothing random in it.

    Raises:
        TrainingError: scikit-learn is not installed.
    """
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise TrainingError('the svm baseline needs scikit-learn: pip install scikit-learn, or '
                            'take svm out of evaluation.baselines') from error
    assert train.labels is not None
    machine = SVC(C=100.0, decision_function_shape='ovr')
    labels = np.array([clip.label for clip in train.clips])
    machine.fit(_features(train), labels)
    out = np.full((len(test), len(train.labels)), -np.inf)
    found = np.asarray(machine.decision_function(_features(test)))
    classes = machine.classes_
    if len(classes) == 2:
        found = np.stack((-found, found), -1)
    out[:, classes] = found
    return np.where(np.isfinite(out), out, found.min() - 1)


def _features(clips: ClipSet) -> NDArray[np.float64]:
    batches = list(Sampler(clips, _SAMPLING).ordered())
    points = np.concatenate([batch.keypoints.numpy() for batch in batches])
    motion = points[:, 1:] - points[:, :-1]
    return np.concatenate((points.reshape(len(points), -1), motion.reshape(len(points), -1)), 1)
