"""Measurements: one command each, peers in the same run, ratios as the result."""
