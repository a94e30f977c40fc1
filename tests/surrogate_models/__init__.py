"""Claims about surrogate models."""
