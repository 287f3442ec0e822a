"""Images as they travel: raw message fields and compressed bytes, to and from BGR arrays."""
