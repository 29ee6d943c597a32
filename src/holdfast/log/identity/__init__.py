"""Several sources and platforms to one customer: keys, limits, history, reversible merges."""
