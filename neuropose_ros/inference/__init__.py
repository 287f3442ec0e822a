"""Running a network: one protocol, several runtimes, and the models they run."""
