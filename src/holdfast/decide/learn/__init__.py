"""Learning on the fly which treatment suits whom: Thompson sampling and LinUCB with a floor under both chances and value."""
