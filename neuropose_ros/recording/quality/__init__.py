"""How good a recording is: what came, what is missing, how late, and how sure."""
