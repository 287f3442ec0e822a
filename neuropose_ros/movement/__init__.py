"""Movement measures from poses."""
