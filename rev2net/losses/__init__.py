"""The training objectives beside cross-entropy: auxiliary tasks, discrepancy, domain adaptation."""
