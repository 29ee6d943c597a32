"""Who to look at now: the alerts of a release, how such lists turned out, and the call list."""
