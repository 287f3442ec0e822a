"""The `neuropose` command: one module per sub-command, see `main`."""
