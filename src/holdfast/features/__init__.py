"""What was known: declared once, read by SQL and by one live customer in plain Python."""
