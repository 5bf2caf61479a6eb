"""From a trained network to numbers: scores files, accuracies, fusion of streams, statistics."""
