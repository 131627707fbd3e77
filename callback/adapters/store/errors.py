"""What the store raises when the database, not the request, is at fault."""

from callback.domain.errors import CallbackError


class StoreUnavailable(CallbackError, ConnectionError):
    """The record cannot be reached, is too slow, or is full. Nothing was promised: try again later.

    Also a `ConnectionError`, so that callers who know no database can tell it from a defect.
    """


class MigrationBlocked(CallbackError):
    """Somebody used a table that a migration wanted to change, for longer than it would wait. Nothing was changed."""
