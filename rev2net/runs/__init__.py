"""A run on disk: its files, and what they hold."""
