"""From a SearchGraph to program text, one folder for each framework."""

from automlc.backends.project import Project, build

__all__ = ["Project", "build"]
