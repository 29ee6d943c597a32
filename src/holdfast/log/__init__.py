"""Anything -> one clean event log: sources, mapping, cleaning, identity, quality, store."""
