"""What people do, answered frame by frame: the streaming side of an exported network."""
