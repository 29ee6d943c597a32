"""Release tables -> one HTML folder that opens offline."""
