"""What a person asks of any videos, outside the datasets: flow, features, predictions."""
