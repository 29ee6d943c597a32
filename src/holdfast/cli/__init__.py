"""The command line: calls app.service and bench, and nothing else."""
