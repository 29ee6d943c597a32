"""The language of Holdfast: terms, schema, clock, types, protocols and errors. No I/O, numpy and pyarrow only."""
