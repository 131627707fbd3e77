"""`python -m bench.rebuilder`: one rebuild in a process of its own, as a worker would do it; prints the seconds."""

import os
import time

from callback import wiring
from callback.flows.rebuild import rebuild
from callback.settings import load


def main() -> None:
    """Once the house is connected, the clock runs."""
    built = wiring.build(load(os.environ))
    built.store.ping()
    built.redis.ping()
    begun = time.perf_counter()
    rebuild(built.house)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
