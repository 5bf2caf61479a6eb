"""What exists: the datasets' official lists, classes shared between datasets, and splits."""
