"""What `rev2net bench` measures, and experiments with synthetic clips."""
