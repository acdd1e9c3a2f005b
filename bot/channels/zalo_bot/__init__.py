"""The channel on the Zalo Bot Platform: the only package that knows its methods and its ways to fail."""
