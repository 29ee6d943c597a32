"""What each customer wants next: candidate lanes, their mix, the shop's rules, and a true reason for each item."""
