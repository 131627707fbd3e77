"""What goes wrong, in plain words with the way to mend it, instead of a traceback."""

from typing import Any

import click

AUTHENTICATE = 20003
_CARRIER = {
    AUTHENTICATE: "Copy the Account SID and the Auth Token from the carrier's console again; "
    "a suspended account says the same",
}


class PlainGroup(click.Group):
    """A group whose commands end with a sentence and exit code 1 where the fault is not in this program."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            told = in_plain_words(error)
            if told is None:
                raise
            raise click.ClickException(told) from error


def in_plain_words(error: Exception) -> str | None:
    """The sentences for an error that people can do something about; None for a defect of ours."""
    from callback.adapters.line.server import FAULTS
    from callback.adapters.store.sql_store import DATABASE_FAULTS
    from callback.domain.errors import CallbackError
    from callback.embedded import EmbeddedRedisError
    from callback.ports import CarrierError
    from callback.settings import SettingsError
    from callback.supervise import SupervisorError
    from callback.wiring import NoRedis

    if isinstance(error, SettingsError):
        return "the environment cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes)
    if isinstance(error, CarrierError):
        return refused_by_carrier(error.code, str(error))
    if isinstance(error, FAULTS):
        return f"Redis cannot be used: {str(error).rstrip('.')}. Is REDIS_URL right, and does the server run?"
    if isinstance(error, DATABASE_FAULTS):
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        return f"the database cannot be used: {said[0]}. Is DATABASE_URL right, and does the server run?"
    if isinstance(error, OSError) and error.filename and error.strerror:
        advice = "Are VAR_DIR and DATABASE_URL right, and may this user write there?"
        return f"{error.filename} cannot be used: {error.strerror}. {advice}"
    if isinstance(error, (CallbackError, EmbeddedRedisError, NoRedis, SupervisorError)):
        return with_field(error)
    return None


def with_field(error: Exception) -> str:
    """The text of our own error, with the field it is about."""
    field = getattr(error, "field", "")
    mistakes = getattr(error, "mistakes", None)
    if mistakes:
        return "\n".join(f"{name} {message}" for name, message in mistakes)
    return f"{field}: {error}" if field else str(error)


def refused_by_carrier(code: int, message: str) -> str:
    """A refusal of the carrier, with its code and how to mend it where we know."""
    number = f" (error {code})" if code else ""
    advice = f". {_CARRIER[code]}" if code in _CARRIER else ""
    return f"the carrier says: {message}{number}{advice}"
