"""Train a recogniser on labelled clips: a data set, or your own videos and recordings.

`neuropose preprocess` makes clips of videos and recordings; --data is what it wrote, or the folder
of a data set that the YAML names. `torchrun --nproc-per-node N -m neuropose_ros train ...`
learns on several GPUs or hosts.

`neuropose train pose` trains a network that finds joints in pictures.
"""

from neuropose_ros.cli.train.command import add_arguments, run

__all__ = ['add_arguments', 'run']
