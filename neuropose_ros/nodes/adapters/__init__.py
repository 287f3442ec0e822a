"""People in the messages of others: one module for each target, imported only when chosen."""
