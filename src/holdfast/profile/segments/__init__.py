"""Segments: by rules, by the RFM grid, and learnt; each told by what sets it apart."""
