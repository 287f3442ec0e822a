"""The parameters of the pose node."""

from __future__ import annotations

from neuropose_ros.core.layouts import BUILT_IN
from neuropose_ros.inference.select import RUNTIMES
from neuropose_ros.nodes import depth, scene
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.pose.exposure import MODES

PARAMETERS = (
    ParameterSpec(
        'model', 'blazepose', 'Which pose model runs: a name of `neuropose models list`, or of '
        'an entry of your own.'),
    ParameterSpec(
        'detector', '', 'Which person detector finds people for it. Empty: blazepose follows one '
        'person by itself, models that need regions take rtmdet-nano, models that find people '
        'by themselves need none.'),
    ParameterSpec(
        'max_people', 8, 'The surest so many people are published. Each costs a run of the pose '
        'network, unless it finds all at once.', minimum=1, maximum=64),
    ParameterSpec(
        'detect_every', 5, 'Frames from one look of the detector to the next while everybody is '
        'followed surely; in doubt it looks at once. 1 costs the most and sees newcomers first.',
        unit='frames', minimum=1, maximum=1000),
    ParameterSpec(
        'track_memory_s', 2.0, 'How long a lost person keeps the track id. Longer survives longer '
        'occlusions and may give a newcomer the id of who left.', unit='s', minimum=0.0,
        maximum=60.0),
    ParameterSpec(
        'reid_model', '', 'Which network is asked what people look like where motion leaves it '
        'open who is who: a name of the kind reid. Empty: none, which is right where people are '
        'dressed alike.'),
    ParameterSpec(
        'runtime', 'auto', 'What runs the networks; auto takes the fastest that is there and says '
        'so (`neuropose doctor` explains).', choices=RUNTIMES),
    ParameterSpec(
        'precision', 'fp16', 'Of the networks on a GPU; fp16 is faster, keypoints move by '
        'fractions of a pixel.', choices=('fp16', 'fp32')),
    ParameterSpec(
        'layout', '', 'Joints to publish; empty = as the model gives them.',
        choices=('', *BUILT_IN)),
    ParameterSpec(
        'threads', 0, 'Threads of the network; 0 = what the machine has to spare. More is '
        'faster until the cores are full.', minimum=0, maximum=64),
    ParameterSpec(
        'smoothing', True, "The model's own published smoothing; off gives raw detections "
        '(and lets the refiner see the real noise).'),
    ParameterSpec(
        'exposure', 'auto', 'Brighten dark pictures before the networks look at them; nobody else '
        'sees them so. auto: where the model was measured to find more that way (dark_below in '
        'the list of models).', choices=MODES),
    ParameterSpec(
        'image_transport', 'raw', 'compressed reads <image_raw>/compressed: the choice across '
        'hosts.', choices=('raw', 'compressed')),
    ParameterSpec(
        'use_feedback', True, 'Look for people where pose_feedback expects them; blazepose '
        'without a detector follows its person itself and does not use it.', live=True),
    ParameterSpec(
        'expected_rate_hz', 0.0, 'Declared rate of the camera; below 90 % of it /diagnostics '
        'warns. 0 = not declared.', unit='Hz', minimum=0.0, maximum=1000.0, live=True),
    *depth.PARAMETERS,
    *scene.PARAMETERS,
)
