"""ROS nodes: parameters, QoS, lifecycle and diagnostics around the stages."""
