"""Who is in a session, what they agreed to, and how they are forgotten."""
