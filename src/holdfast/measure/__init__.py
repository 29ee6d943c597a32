"""What it changed: effects from holdouts and arms, off-policy value, guardrails, fairness."""
