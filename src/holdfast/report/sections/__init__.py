"""One file per section of the page; each takes the Story and a Voice and gives a `Section`."""
