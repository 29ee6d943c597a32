"""Cleaning: one file per rule, each a pure function (table, what it may know) -> table with its marks.

A rule never deletes. It marks rows, and the marks say what becomes of them; `pipeline` applies all rules in order and
counts every mark, so that rows and money reconcile.
"""
