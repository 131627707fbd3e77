"""The line in Redis: one ordered line per queue, its agents and their pairings, changed by scripts in one step each.

`redis_line.py` is the port's implementation. `lua/` holds the rules that must be atomic, one verb a file; what several
verbs share is in files that begin with an underscore. `docs/decisions/0002-one-slot.md` says why all keys share a slot.
"""
