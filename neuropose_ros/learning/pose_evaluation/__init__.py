"""How good a pose model is on labelled pictures: figures, intervals, and a page."""
