"""Learn how people move from poses without labels; `neuropose train --weights` starts from it.

--data is the folder of a data set that the YAML names, or what `neuropose preprocess` wrote of
your own recordings. Labels are not looked at, test parts not either.

`neuropose pretrain pose` learns from pictures without labels what `neuropose train pose` starts
from.
"""

from neuropose_ros.cli.pretrain.command import add_arguments, run

__all__ = ['add_arguments', 'run']
