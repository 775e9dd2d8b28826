"""Stopping policies: who ends a trial, one file each."""
