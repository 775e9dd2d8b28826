"""Searchers: who proposes the next configuration, one file each."""
