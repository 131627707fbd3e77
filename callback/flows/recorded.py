"""The journal of a stretch of time, read in pages: what a rehearsal, or any other look back, is made of."""

from collections.abc import Callable, Iterator
from datetime import datetime

from callback.domain.callback import Entry
from callback.ports import Store

PAGE = 5000


def entries(
    store: Store, since: datetime, until: datetime, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Entry]:
    """Every row written from `since` to before `until` (aware), in order. `progress` hears of each page's length.

    Raises ConnectionError where the record cannot be reached.
    """
    with store.look() as work:
        seq, last = work.seq_before(since), work.seq_before(until)
    while seq < last:
        with store.look() as work:
            page = work.journal(after=seq, limit=PAGE)
        if not page:
            return
        yield from (row for row in page if row.seq <= last)
        progress(len(page))
        seq = page[-1].seq
