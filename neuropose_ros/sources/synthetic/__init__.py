"""A synthetic subject: a moving, shaded body whose true joints are known exactly."""
