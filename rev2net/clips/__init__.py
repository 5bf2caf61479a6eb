"""Clips: from shards to tensors."""
