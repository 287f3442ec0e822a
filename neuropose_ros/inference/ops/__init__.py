"""Pre- and post-processing where a network's data lies: on the host, or beside the GPU."""
