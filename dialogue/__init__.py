"""The conversation engine: pure functions from a message to replies. No clock, randomness or I/O."""
