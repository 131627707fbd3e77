"""The prompts of the catalogue are clear enough for somebody who knows nothing but what they hear."""

import pytest

from callback.adapters.telephony.prompts import say
from callback.domain.dialogue import Prompt
from callback.emulator import speech

KEYS = [
    ("offer_keys", "1=callback 2=stay 3=later"),
    ("offer_keys_no_number", "1=callback 2=stay 3=later"),
    ("confirm_keys", "1=confirm 2=another number"),
    ("already_keys", "1=callback 2=stay 3=no longer needed"),
    ("booked_keys", "1=callback 2=stay 3=no longer needed"),
    ("hold_offer", "1=callback"),
    ("whisper_key", "1=talk"),
    ("human_keys", "1=talk 2=later 3=no longer needed"),
]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("prompt", "understood"), KEYS)
def test_a_listener_understands_every_key_the_product_names(prompt: str, understood: str, language: str) -> None:
    heard = speech.options(say(Prompt(prompt), language))
    assert " ".join(f"{option.key}={option.intent.value}" for option in heard) == understood


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_listener_understands_when_to_key_a_number_in_and_when_all_is_said(language: str) -> None:
    request = say(Prompt("enter_number"), language)
    assert speech.asks_for_number(request)
    assert speech.wants_hash(request)
    assert speech.is_promise(say(Prompt("promise_unknown", {"number": "+12015550100"}), language))
    assert speech.is_goodbye(say(Prompt("goodbye"), language))
    assert not speech.is_goodbye(say(Prompt("stay"), language))
