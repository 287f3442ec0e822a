"""Training: one loop for everything that learns; it resumes to the bit and counts every seed."""
