"""Training: one visible loop, its objective, its optimiser, and what survives an interruption."""
