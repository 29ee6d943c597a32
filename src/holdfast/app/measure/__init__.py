"""Measuring: what earlier campaigns changed, asked of a shop."""
