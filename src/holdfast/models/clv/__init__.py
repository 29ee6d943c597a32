"""What customers will spend: models of money over a horizon, their level, their intervals, and `clv`."""
