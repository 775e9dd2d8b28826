"""The HTML report of a run."""

from automlc.runtime.report.build import build_report, write_report

__all__ = ["build_report", "write_report"]
