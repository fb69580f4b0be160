"""Several models asked the same about the same cells."""
