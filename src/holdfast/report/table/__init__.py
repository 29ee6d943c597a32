"""The page of a labelled table: told from plain facts and rows, in the style of the shop's report."""
