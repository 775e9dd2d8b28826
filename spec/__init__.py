"""The typed language of a task: what a person may say, where it was said, and what is wrong with it."""
