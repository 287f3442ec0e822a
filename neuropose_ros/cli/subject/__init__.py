"""Who is in recorded sessions, under pseudonyms: list, show, set, delete."""
