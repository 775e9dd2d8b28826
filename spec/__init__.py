"""The typed language of a task: what may be said, where it was said, and what is wrong."""
