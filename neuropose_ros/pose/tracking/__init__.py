"""Who is who from frame to frame."""

from neuropose_ros.pose.tracking.tracker import Tracker

__all__ = ['Tracker']
