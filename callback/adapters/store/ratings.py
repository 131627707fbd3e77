"""How callers said it was: one row a callback, which goes when its caller is forgotten."""

from sqlalchemy import select

from callback.adapters.store.tables import ratings
from callback.adapters.store.transaction import Transaction, plain_row, plain_values
from callback.domain.ids import CallbackId
from callback.domain.rating import Rating


class Ratings(Transaction):
    """The verbs on what callers said."""

    def put_rating(self, rating: Rating) -> Rating:
        self._upsert(ratings, plain_values(rating, ()))
        return rating

    def rating(self, callback: CallbackId) -> Rating | None:
        row = self._sql.execute(select(ratings).where(ratings.c.callback == callback)).one_or_none()
        return None if row is None else Rating(**plain_row(Rating, row, ()))
