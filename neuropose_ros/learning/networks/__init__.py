"""The networks that complete poses and recognise actions."""
