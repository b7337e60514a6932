"""Loki as a source of log lines: counts are made there, and only evidence is fetched."""
