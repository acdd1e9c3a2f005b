"""Figures: the catalogue of indicators and the reading of a message. Pure: no input or output, no clock."""
