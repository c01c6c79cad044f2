"""Backtests: the driver, its result, and the report."""
