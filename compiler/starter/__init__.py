"""A first spec for data that nobody described yet: look, guess, write."""
