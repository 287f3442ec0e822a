"""Measure trained weights on the test part and write an HTML report with plots.

Accuracy, classes, calibration, how early it is right, what missing joints cost, when it notices
that an action begins, whether it knows what it does not know, what it costs, and examples. The
test part is for weights whose recipe is settled; `--set part=validation` looks at the clips that
the training held back.

`neuropose evaluate pose` measures a pose model on labelled pictures.
"""

from neuropose_ros.cli.evaluate.command import add_arguments, run

__all__ = ['add_arguments', 'run']
