"""A shop whose truth is known: parameters -> core tables. Distinct from any model we fit."""
