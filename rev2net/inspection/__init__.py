"""What a file or folder of this program holds, as facts and tables for a person or a machine."""
