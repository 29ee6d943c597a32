"""Files, frames and databases in; batches of canonical rows out. Start at `open.open_source`."""
