"""A labelled table (students, loans, subscribers) instead of a shop's history: one row each, and what became of it."""
