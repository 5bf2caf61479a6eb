"""A configuration for videos of one's own: what there is, what is shared, what fits both."""
