"""Everything that is kept. The only package that speaks SQL; it takes and returns plain values."""
