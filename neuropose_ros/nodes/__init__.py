"""ROS nodes: parameters, QoS, lifecycle and diagnostics around the stages."""

import os

# A small matrix product wakes a thread per core of OpenBLAS, which then fight with the network's:
# 4 ms became 70 on a busy machine. Read when numpy is first imported; the user's setting wins.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
