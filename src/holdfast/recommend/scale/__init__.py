"""The heavy lanes for histories that one machine cannot hold: the same fits, learnt where the rows lie."""
