"""An agent's own days in figures: counted by the same rules as the reports (`tallying`), so that both say the same.

What is over counts: a ring, a talk or a wrap-up that goes on now is not in it yet. Whether a matter was settled, and
who was passed on, the desk knows from what was written down about its talks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, tzinfo

from callback.domain.callback import Entry
from callback.domain.desk import Talk, WrapUp
from callback.domain.reports import NOTHING, Sums
from callback.domain.tallying import Facts, Tallying


def days(rows: Iterable[Entry], talks: Sequence[Talk], wrap_ups: Iterable[WrapUp], zone: tzinfo) -> Mapping[date, Sums]:
    """What an agent did, by the day of their clock.

    Args:
        rows: theirs of the journal, in order.
        talks: those of theirs that were held or passed on.
        wrap_ups: what they wrote down.
    """
    counting = Tallying(Facts(lambda _: zone, held_s={talk.token: talk.held_s for talk in talks}), {})
    for row in rows:
        counting.read(row)
    found: defaultdict[date, Sums] = defaultdict(lambda: NOTHING)
    for key, amounts in counting.days.items():
        if key.agent:
            found[key.day] += Sums(**amounts)  # type: ignore[arg-type]
    for talk in talks:
        if talk.passed_at is not None:
            found[talk.passed_at.astimezone(zone).date()] += Sums(transfers=1, announced=int(talk.warm))
    for one in wrap_ups:
        if one.resolved is not None:
            found[one.began_at.astimezone(zone).date()] += Sums(said=1, resolved=int(one.resolved))
    return found
