"""Pose networks of a lab's own: from annotated pictures to a model that the nodes run."""
