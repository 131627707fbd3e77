"""The laboratory: the rules of the domain on a simulated clock, against recorded or synthetic traffic.

`trace` reads recorded traffic, `replay` turns it into what was known at every moment, `baselines` are the estimators of
the field, `scores` says how good a prediction was, and `backtest` puts them together.
"""
