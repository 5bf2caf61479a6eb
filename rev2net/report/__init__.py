"""The HTML report, a file a section."""
