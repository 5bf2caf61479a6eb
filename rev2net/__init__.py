"""Rev2Net: from raw videos to the tables of the paper."""

__version__ = "0.1.0"
