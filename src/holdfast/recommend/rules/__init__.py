"""The shop's rules: what may not be shown to whom, and why. Hard: whatever a rule forbids cannot appear."""
