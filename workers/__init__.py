"""The workers: they place the calls, send the texts, write the record of live calls, and sweep up after every crash."""
