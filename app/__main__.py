"""The `portcullis` command."""
