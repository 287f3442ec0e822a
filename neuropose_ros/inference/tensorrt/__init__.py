"""Running a network with TensorRT: engines built once, kept in the cache, on torch's memory."""

from neuropose_ros.inference.tensorrt.available import tensorrt_available
from neuropose_ros.inference.tensorrt.runtime import TensorRtRuntime, build_engine

__all__ = ['TensorRtRuntime', 'build_engine', 'tensorrt_available']
