"""The refiner that ships beside real detections it did not learn from (of the training part)."""

from neuropose_ros.core.resources import config_folder
from neuropose_ros.learning.refiner.measures import (
    accuracy,
    burst_masks,
    hidden,
    in_truth_definition,
    joint_offsets,
    masked_error,
)
from neuropose_ros.learning.refiner.pairs import TRUTH_LAYOUT, hold_out, read_pairs, sure
from neuropose_ros.learning.refiner.protocol import (
    causally,
    detected_frames,
    known_frames,
    refined,
)
from neuropose_ros.refinement.network import open_refiner, read_description
from neuropose_ros.refinement.noise import NoiseModel
from neuropose_ros.refinement.stage import RefinementStage

FOLDER = config_folder() / 'refiners' / 'jhmdb14'


def test_it_is_nearer_and_smoother_and_bridges_gaps(data_folder):
    training = read_description(FOLDER).training
    pairs = read_pairs(data_folder).train
    fit, held = hold_out(pairs, training['settings']['hold_out'], training['seed'])
    clips, offsets = sure(held)[::2], joint_offsets(sure(fit))
    loaded = open_refiner(FOLDER, announce=print)
    noise = NoiseModel.from_json(loaded.description.noise)
    refine = causally(lambda: RefinementStage(network=loaded.network(), noise=noise))

    def judged(points):
        return accuracy([in_truth_definition(one, pair, offsets)
                         for one, pair in zip(points, clips, strict=True)], clips)

    raw = judged([pair.found for pair in clips])
    found = judged([refined(refine, detected_frames(pair)).points for pair in clips])
    assert found['pck@0.1'] > raw['pck@0.1'] + 0.03
    assert found['accel'] < 0.5 * raw['accel']
    masks = burst_masks(clips, 0.2)
    bridged = [refined(refine, known_frames(hidden(pair, mask), TRUTH_LAYOUT)).points
               for pair, mask in zip(clips, masks, strict=True)]
    assert masked_error(bridged, clips, masks) < 0.06
    loaded.close()
