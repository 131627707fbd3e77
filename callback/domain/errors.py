"""Every refusal the rules can give, each a type of its own so that the doors can answer it in their own words."""

from callback.domain.ids import CallbackId


class CallbackError(Exception):
    """The root of this product's own errors. Its text says what is wrong and how to mend it."""


class IllegalMove(CallbackError):
    """An event that the transition table does not know in this state."""


class NotFound(CallbackError):
    """No such queue, agent, callback or leg."""


class Unreadable(CallbackError):
    """It is in the record and cannot be read: damaged, or sealed with a key that is not at hand."""


class StillDamaged(CallbackError):
    """Tried again as it is, it would fail again: it has to be mended first, or given up."""


class Stale(CallbackError):
    """Somebody else changed the row or holds the reservation: load again, decide again."""


class InvalidInput(CallbackError):
    """A value that cannot be accepted; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NameTaken(InvalidInput):
    """There is one of this name already; `field` names what was to be new."""


class NotAccepting(CallbackError):
    """No promise may be made now: switched off, full, closed, or not servable before closing."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NumberRefused(CallbackError):
    """A number we may not ring. `reason` is one of `domain.phone.Refusal`'s values."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AlreadyBridged(CallbackError):
    """A cancel that came after the caller and the agent were connected."""


class KeyReused(CallbackError):
    """An Idempotency-Key that was used before with another body."""


class NumberBusy(CallbackError):
    """This number is being rung, or talks with us, for another callback: not two calls to one person at once."""


class DuplicateOpen(CallbackError):
    """The number has an open callback in this queue already: `existing` stands."""

    def __init__(self, existing: CallbackId) -> None:
        super().__init__(f"this number is already waiting in the queue as {existing}")
        self.existing = existing
