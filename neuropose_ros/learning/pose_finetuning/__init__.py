"""Fine-tuning networks of the registry: those of vendors, which are there as ONNX graphs alone."""
