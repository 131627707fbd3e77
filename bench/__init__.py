"""The benchmarks: each figure is a ratio against a reference that is measured in the same run, round about.

Absolute times say more about a machine and its neighbours than about the product. So whatever is measured here has a
bare counterpart on the same servers (a Flask view that reads the same form, a Celery task that makes one commit and the
same request), the two take turns, and a figure is the median of the rounds' ratios. `python -m bench --help`.
"""

from callback.cli.sums import on_one_core

on_one_core()
