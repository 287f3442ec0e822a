"""Honest human poses, actions and movement measures on ROS 2."""

# A source tree that comes first on the path would hide the generated `msg` of an installation.
# Nothing else may stand here: an installation can lose this file to the generator's empty one.
__path__ = __import__('pkgutil').extend_path(__path__, __name__)
