"""What to do for a customer over time, when today's contact changes tomorrow's customer."""
