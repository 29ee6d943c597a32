"""What each customer wants next: lists for a release, how good they were, and one customer's list now."""
