"""Parameters of the refinement stage, with units and ranges in one table."""

from __future__ import annotations

from dataclasses import dataclass, field

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.parameters import check_fields, number, whole_number

MODES = ('kalman', 'one_euro', 'none')


@dataclass(frozen=True, slots=True)
class RefinementParameters:
    """How poses are refined. Lengths are in body sizes: the longer side of the person's box in
    the image, ``body_height_m`` in 3D.

    Each field's metadata holds ``text``, and ``range`` and ``unit`` or ``choices``: what a node
    needs to declare it.

    Raises:
        ParameterError: a value has the wrong type, is out of range or contradicts another.
    """

    mode: str = field(default='kalman', metadata={
        'choices': MODES,
        'text': 'kalman: constant-velocity Kalman filter; one_euro: One-Euro filter, no '
                'covariances; none: measurements unchanged, nothing predicted'})
    lag_frames: int = whole_number(
        0, 0, 30, 'frames', 'how many later frames have a say in an answer: more is smoother and '
        'bridges gaps better, and every answer is that much later; 0 = causal')
    max_bridge_s: float = number(
        0.5, 0.0, 5.0, 's', 'longest time that an unseen joint or person is predicted')
    bridge_decay_s: float = number(
        0.03, 0.01, 10.0, 's', 'time constant with which an unseen joint takes up the velocity '
        'of the rest of the body')
    noise_confident: float = number(
        0.004, 1e-5, 1.0, 'body', 'standard deviation of a measurement of confidence 1')
    noise_unsure: float = number(
        0.16, 1e-5, 1.0, 'body', 'standard deviation of a measurement of confidence 0')
    guess_inflation: float = number(
        2.0, 1.0, 100.0, '1', 'factor on the standard deviation of a joint that the estimator '
        'itself calls hidden')
    keep_guesses: bool = field(default=True, metadata={
        'text': 'whether joints that the estimator calls hidden keep its guess as their value '
                'beyond max_bridge_s (their state stays OCCLUDED); else they are NaN'})
    acceleration: float = number(
        20.0, 0.1, 1000.0, 'body/s^2', 'standard deviation of the acceleration of a joint, '
        'lasting 1/30 s, while innovations go on in one direction: higher is less late in sudden '
        'movement and smooths less')
    calm_acceleration: float = number(
        1.0, 0.01, 1000.0, 'body/s^2', 'the same while nothing but noise is in the innovations; '
        'not above acceleration')
    initial_speed: float = number(
        2.0, 0.01, 100.0, 'body/s', 'standard deviation of the speed of a joint at first sight')
    soft_gate: float = number(
        3.0, 0.5, 1e6, '1', 'innovations beyond this many standard deviations lose weight')
    gate: float = number(
        8.0, 0.5, 1e6, '1', 'innovations beyond this many standard deviations are outliers, '
        'unless the next measurement confirms them')
    use_network: bool = field(default=True, metadata={
        'text': 'whether the learnt network, where there is one, improves what was measured and '
                'says where joints are that were not seen (they stay PREDICTED)'})
    completion_sd: float = number(
        1.0, 0.0, 10.0, 'body', 'largest standard deviation with which the network may say '
        'where a joint is that was not seen')
    protect_tremor: bool = field(default=True, metadata={
        'text': 'whether coherent movement of 3 to 12 Hz is kept out of the filter and in the '
                'result'})
    use_constraints: bool = field(default=True, metadata={
        'text': 'whether bones keep the lengths learnt of each person, and joints their limits'})
    iterations: int = whole_number(
        3, 1, 20, '1', 'most rounds in which the constraints are satisfied one after the other')
    use_floor_contact: bool = field(default=False, metadata={
        'text': 'whether feet at rest at the lowest place are held, with use_constraints: for a '
                'camera that stands upright and people on one floor'})
    use_action_context: bool = field(default=False, metadata={
        'text': 'whether what people were found to do says how lively their joints are expected '
                'to be; a live run is then no longer repeated exactly by a replay'})
    use_swap_repair: bool = field(default=True, metadata={
        'text': 'whether left and right are put back where the detector takes one for the other'})
    swap_memory_s: float = number(
        1.0, 0.0, 60.0, 's', 'longest time that sides are kept against the detector')
    least_jump: float = number(
        0.35, 0.0, 100.0, 'body', 'a joint whose innovation differs by less than this from those '
        'of the whole body is never an outlier')
    min_cutoff_hz: float = number(1.0, 0.001, 100.0, 'Hz', 'One-Euro: cut-off at rest')
    cutoff_slope: float = number(
        20.0, 0.0, 1000.0, 'Hz s/body', 'One-Euro: cut-off gained per speed')
    body_height_m: float = number(1.7, 0.3, 3.0, 'm', 'body size in 3D')

    def __post_init__(self) -> None:
        """Check types, ranges and contradictions."""
        check_fields(self)
        if self.noise_unsure < self.noise_confident:
            raise ParameterError(
                f'noise_unsure ({self.noise_unsure}) must not be below noise_confident '
                f'({self.noise_confident}): an unsure measurement is the noisier one')
        if self.calm_acceleration > self.acceleration:
            raise ParameterError(
                f'calm_acceleration ({self.calm_acceleration}) must not be above acceleration '
                f'({self.acceleration}): that is what it rises to')
        if self.gate < self.soft_gate:
            raise ParameterError(
                f'gate ({self.gate}) must not be below soft_gate ({self.soft_gate}): what is '
                'refused has lost its weight')
