"""The tests; a package, so that `tests.terminal` is this project's whatever else is installed."""
