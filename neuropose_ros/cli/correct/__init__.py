"""Say what is wrong in a recorded session, take it back, or list it: list, add, undo."""
