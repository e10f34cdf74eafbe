"""Measurements. Run one with `.venv/bin/python -m benchmarks.NAME`; each prints on what it ran."""
