"""From a frame to the people in it: estimators, detection, tracking."""
