"""What it changed: effects of arms and holdouts, their health, off-policy value, fairness."""
