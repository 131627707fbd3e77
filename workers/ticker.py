"""When the ticks are due: in the beat's own memory, behind the lock that lets one of several beats tick.

redbeat keeps the schedule itself in Redis, so that others can change it at run time, and reads it back before each
tick: some fifty commands a second. Ours is written in `workers.celery` and changes with a deploy, so only the lock is
shared. A beat that takes over begins each interval anew, which costs a tick at most.
"""

from celery.beat import Scheduler
from redbeat import RedBeatScheduler


class Ticker(RedBeatScheduler):
    """redbeat's lock around Celery's own schedule in memory."""

    Entry = Scheduler.Entry
    schedule = Scheduler.schedule
    update_from_dict = Scheduler.update_from_dict
    reserve = Scheduler.reserve

    def setup_schedule(self) -> None:
        """What is configured; nothing is kept from an earlier life."""
        self.install_default_entries(self.app.conf.beat_schedule)
        self.update_from_dict(self.app.conf.beat_schedule)
