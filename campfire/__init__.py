"""Campfire: a team chat server in one process on one SQLite file."""

__version__ = "0.1.0"
