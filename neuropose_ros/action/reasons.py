"""Why an answer is unknown: the words of ``Action.reason`` and what they mean."""

from __future__ import annotations

NO_TRACK = 'no_track'
NO_TIME = 'no_time'
NO_LAYOUT = 'no_layout'
NO_3D = 'no_3d'
TOO_MANY = 'too_many'
TOO_SHORT = 'too_short'
STALE = 'stale'
THIN_COVERAGE = 'thin_coverage'
UNLIKE_KNOWN = 'unlike_known'
UNSURE = 'unsure'
CLOCK_IN_FUTURE = 'clock_in_future'
ERROR = 'error'

MEANINGS = {
    NO_TRACK: 'the person has no identity of their own, or nobody is there: nothing to follow',
    NO_TIME: 'the frame has no acquisition time',
    NO_LAYOUT: 'it is not known which joints the keypoints are',
    NO_3D: 'the recogniser reads 3D keypoints, and the person has none',
    TOO_MANY: 'there are more people than the node follows at once',
    TOO_SHORT: 'the person has been followed for too short a time',
    STALE: 'the newest measured joint is too old',
    THIN_COVERAGE: 'too few of the joints in the window were measured',
    UNLIKE_KNOWN: 'the movement is unlike all actions that the recogniser knows',
    UNSURE: 'no action is probable enough for this subscriber',
    CLOCK_IN_FUTURE: 'the evidence is newer than now: the clocks of the hosts disagree',
    ERROR: 'the network failed on this frame',
}
"""Reason -> what it means, for people."""
