"""`python -m neuropose_ros` is the `neuropose` command."""

import sys

from neuropose_ros.cli.main import main

sys.exit(main())
