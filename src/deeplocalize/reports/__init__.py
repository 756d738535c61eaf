"""How it is said: a file for each format, each of which turns a Report into text."""

from deeplocalize.reports.report import RankedCause, Report

__all__ = ["RankedCause", "Report"]
