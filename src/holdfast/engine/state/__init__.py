"""`state.db`: what a shop must never lose and never double, in SQLite. One file beside this one for each concern."""
