"""Texts to callers, worded from the same catalogue as everything that is spoken."""

from callback.adapters.telephony.prompts import Value, built_in, say
from callback.domain.callback import Callback
from callback.domain.dialogue import Prompt
from callback.domain.lifecycle import State
from callback.domain.wording import BUILT_IN, Forms, InForce


class CatalogueWords:
    """`ports.Words` from the catalogue."""

    def built_in(self, sentence: str, language: str) -> Forms:
        """As `prompts.built_in`."""
        return built_in(sentence, language)

    def text(
        self, kind: str, callback: Callback, queue_name: str, zone: str, url: str, wording: InForce = BUILT_IN
    ) -> str:
        """The body of one text, in the caller's language."""
        values: dict[str, Value] = {"queue": queue_name, "url": url, "zone": zone}
        if kind == "promised":
            return say(_promised(callback, values), callback.language, wording)
        if kind == "status":
            values |= _stands(callback)
        return say(Prompt(f"text_{kind}", values), callback.language, wording)

    def code(self, kind: str, language: str, queue_name: str, code: str, wording: InForce = BUILT_IN) -> str:
        """The body of a text with a one-time code, which carries no link."""
        return say(Prompt(f"text_{kind}", {"queue": queue_name, "code": code}), language, wording)


def _stands(callback: Callback) -> dict[str, Value]:
    """Where a callback is."""
    state: dict[str, Value] = {"state": callback.state}
    return state | ({"when": callback.requested_for.isoformat()} if callback.requested_for else {})


def _promised(callback: Callback, values: dict[str, Value]) -> Prompt:
    """What was promised: a time, a window, or honestly neither."""
    if callback.state is State.SCHEDULED and callback.requested_for is not None:
        return Prompt("text_promised_later", {**values, "when": callback.requested_for.isoformat()})
    if callback.promised_from is None or callback.promised_to is None:
        return Prompt("text_promised_unknown", values)
    low = round((callback.promised_from - callback.created_at).total_seconds() / 60)
    high = round((callback.promised_to - callback.created_at).total_seconds() / 60)
    return Prompt("text_promised", {**values, "low": low, "high": high})
