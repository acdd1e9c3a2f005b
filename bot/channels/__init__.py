"""The doors to the platforms. Each translates and does nothing else."""
