"""Reproducible comparisons: every figure in the docs is a row of one of these."""
