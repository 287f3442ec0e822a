"""Learning from recorded people: data sets, networks, training, evaluation, export."""
