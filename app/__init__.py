"""Portcullis holds every pull request at the gate until it has earned its way in."""

__version__ = "0.1.0"
