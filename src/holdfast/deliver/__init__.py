"""How a decision reaches a customer: audience files, SQL write-back, signed webhook, SMTP."""
