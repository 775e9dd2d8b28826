"""The command line: main.py is the entry point, every other file is one verb."""
