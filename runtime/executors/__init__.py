"""Executors: who runs a trial."""
