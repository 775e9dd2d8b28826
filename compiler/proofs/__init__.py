"""Proofs over the whole space, before anything is spent: counts, bounds and what cannot be."""
