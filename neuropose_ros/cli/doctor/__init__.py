"""Say what works here, what is missing, and the one line that puts it right.

Exit code: 0 when the package can be used, 1 when something that it needs is broken.
"""

from neuropose_ros.cli.doctor.command import add_arguments, run

__all__ = ['add_arguments', 'run']
