"""Tasks and data for measuring what the rest of the package does."""
