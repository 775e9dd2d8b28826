"""Runs an emitted project: searcher, trials, stopping, store. Imports no framework."""
