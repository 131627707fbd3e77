"""Every sentence a caller, an agent or a text message can carry, in English: the source of the catalogue.

A sentence has an id, which flows use in a `Prompt`, and a text whose `%(name)s` places are filled by `prompts`. Where a
number decides the wording, `counted` gives the singular beside the plural. Translations live in
`callback/locale/<language>/voice.po`; `python -m callback.locale.build` brings them up to date with this table.

Short sentences, one thought each: what is heard cannot be read again. No sentence asks anybody to answer a text with a
word, since the carrier keeps words such as the one for cancelling to itself and would stop all texts to that number.

Some ids never appear in a flow. They are the variants among which `prompts` chooses, such as the whisper for a caller
whose name is known, and the phrases that stand for a value, such as "4 to 6 minutes".
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sentence:
    """A text with `%(name)s` places. `plural` is its form unless the value named `count` is 1 (in English)."""

    text: str
    plural: str = ""
    count: str = ""


def sentence(text: str) -> Sentence:
    """A sentence whose wording does not depend on a number."""
    return Sentence(text)


def counted(text: str, plural: str, count: str) -> Sentence:
    """A sentence with another wording where the value named `count` is not 1."""
    return Sentence(text, plural, count)


ARRIVAL: Final[dict[str, Sentence]] = {
    "welcome": sentence("Thank you for calling %(queue)s."),
    "wait_range": sentence("The wait is about %(wait)s."),
    "wait_soon": sentence("Your turn comes in less than a minute."),
    "wait_unknown": sentence("We cannot say yet how long the wait will be."),
    "nobody_staffed": sentence("Nobody is at the phones right now."),
    "place": counted("You are first in line.", "You are number %(position)s in line.", count="position"),
    "offer_keys": sentence(
        "To be called back without losing your place, press 1. To stay on the line, press 2. "
        "To be called back later, press 3."
    ),
    "offer_keys_no_number": sentence(
        "To be called back without losing your place, press 1, and we will ask for your number. "
        "To stay on the line, press 2. To be called back later, press 3."
    ),
    "closing_keys": sentence("To be called back on %(when)s, press 3. To stay on the line, press 2."),
    "language_key": sentence("For English, press 9."),
    "again": sentence("Sorry, we did not understand that."),
    "stay": sentence("Please stay on the line. You keep your place."),
    "closed": sentence("We are closed now. We open again on %(opens)s. Goodbye."),
    "closed_unknown": sentence("We are closed now. Please call us another day. Goodbye."),
    "unknown_number": sentence("Sorry, nobody can be reached at this number. Please check it. Goodbye."),
    "trouble": sentence("We have a technical problem. Please hold."),
    "trouble_bye": sentence("We have a technical problem. Please call again in a few minutes. Goodbye."),
    "trouble_no_callback": sentence("Sorry, we have a technical problem and cannot arrange a callback right now."),
    "trouble_not_connected": sentence(
        "Sorry, we have a technical problem and cannot connect you. Please call us again later. Goodbye."
    ),
    "trouble_agent": sentence("One moment please. We have a technical problem."),
    "trouble_agent_bye": sentence("We have a technical problem, so this call cannot be connected. Goodbye."),
    "full": sentence("Sorry, all our lines are taken. Please call again later. Goodbye."),
}

PROMISE: Final[dict[str, Sentence]] = {
    "confirm_number": sentence("Your number is %(number)s."),
    "confirm_keys": sentence("If that is correct, press 1. To give another number, press 2."),
    "enter_number": sentence("Please enter the number we should call, with its area code, then press the hash key."),
    "bad_number": sentence("That is not a complete phone number."),
    "refused_number": sentence("Sorry, we cannot call that number."),
    "promise": sentence("Done. We will call you back at %(number)s in about %(wait)s."),
    "promise_unknown": sentence("Done. We will call you back at %(number)s as soon as it is your turn."),
    "promise_later": sentence("Done. We will call you back at %(number)s on %(when)s."),
    "promise_from": sentence("Our call will come from %(caller_id)s."),
    "promise_text": sentence("A text message with a link follows."),
    "goodbye": sentence("You can hang up now. Goodbye."),
    "later_slot": sentence("For %(slot)s, press %(key)s."),
    "already_waiting": counted(
        "Your callback is booked already. You are first in line.",
        "Your callback is booked already. You are number %(position)s in line.",
        count="position",
    ),
    "already_booked": sentence("Your callback is booked already."),
    "already_keys": sentence(
        "To keep the callback and hang up, press 1. To stay on the line with the same place, press 2. "
        "If you no longer need it, press 3."
    ),
    "booked_for": sentence("Your callback is booked for %(when)s."),
    "booked_keys": sentence(
        "To keep the callback and hang up, press 1. To stay on the line and take a place now instead, press 2. "
        "If you no longer need it, press 3."
    ),
    "booked_now": sentence("You are in line now, instead of later. Please stay on the line."),
    "already_kept": sentence("Your callback stands."),
    "not_accepting_closed": sentence("We are closed now, so we cannot arrange a callback."),
    "not_accepting_full": sentence("So many callbacks are booked that we cannot promise another one now."),
    "not_accepting_not_before_closing": sentence("We close soon, and could not keep a promise to call you back today."),
    "not_accepting_cannot_ring": sentence("Sorry, we cannot call anybody back at the moment."),
    "not_accepting": sentence("Sorry, we cannot arrange callbacks at the moment."),
}

HOLDING: Final[dict[str, Sentence]] = {
    "hold_place": counted("You are next.", "You are now number %(position)s in line.", count="position"),
    "hold_wait": sentence("It will take about %(wait)s more."),
    "hold_soon": sentence("It is nearly your turn."),
    "answered_early": sentence("Sorry, nobody is free for a moment. You are next, please stay on the line."),
    "hold_offer": sentence("Press 1 at any time to be called back instead."),
    "hold_later": sentence("Press 1 at any time to be called back once we are open again."),
    "connecting": sentence("We are connecting you now."),
    "agent_missed": sentence("Sorry, our colleague could not answer. You keep your place while we find another one."),
    "passed_on": sentence("We are passing you on to a colleague. You keep the place you had."),
    "cut_off": sentence("Sorry, the connection was lost. Please stay on the line while we find another colleague."),
}

WHISPER: Final[dict[str, Sentence]] = {
    "whisper_live": sentence("A call for %(queue)s. The caller has waited %(waited)s."),
    "whisper_live_named": sentence("A call for %(queue)s. %(name)s has waited %(waited)s."),
    "whisper_callback": sentence("A callback for %(queue)s. The caller has waited %(waited)s."),
    "whisper_callback_named": sentence("A callback for %(queue)s. %(name)s has waited %(waited)s."),
    "whisper_key": sentence("Press 1 to take the call."),
    "whisper_ringing": sentence("Stay on the line, we are ringing the caller."),
    "whisper_gone": sentence("The caller is no longer on the line."),
    "whisper_unreached": sentence("The caller could not be reached."),
    "consult_whisper": sentence("%(name)s has a caller for %(queue)s and would like to talk with you first."),
    "consult_key": sentence("Press 1 to talk with your colleague."),
    "consult_gone": sentence("Your colleague is no longer on the line."),
    "consult_missed": sentence("Nobody answered. Here is your caller again."),
    "consult_left": sentence("They have hung up. Here is your caller again."),
    "consult_refused": sentence("This number cannot be rung now. Here is your caller again."),
    "ring_test": sentence("This is a test of your telephone: calls will ring here."),
    "ring_test_key": sentence("Press 1 to confirm."),
    "ring_test_done": sentence("Thank you. Your telephone works. Goodbye."),
}

ANSWER: Final[dict[str, Sentence]] = {
    "human_check": sentence("Hello, this is %(queue)s. You asked us on %(requested)s to call you back."),
    "human_check_undated": sentence("Hello, this is %(queue)s. You asked us to call you back."),
    "human_keys": sentence(
        "To talk to us now, press 1. To be called later, press 2. If you no longer need us, press 3."
    ),
    "machine_message": sentence("Hello, this is %(queue)s. You asked us to call you back. Sorry that we missed you."),
    "later_done": sentence("Very well. We will call you again on %(when)s. Goodbye."),
    "not_needed_done": sentence("Thank you for telling us. We will not call you again about this. Goodbye."),
    "not_asked_done": sentence("Sorry to have disturbed you. We will not call this number again. Goodbye."),
    "superseded": sentence("Sorry for this second call: you are in touch with us already. Goodbye."),
    "call_cancelled": sentence("Sorry to have disturbed you. This callback was cancelled. Goodbye."),
    "no_key": sentence("No key was pressed, so we hang up now. Goodbye."),
}

TEXTS: Final[dict[str, Sentence]] = {
    "text_promised": sentence("%(queue)s: we will call you back in about %(wait)s. Your place in line: %(url)s"),
    "text_promised_unknown": sentence(
        "%(queue)s: we will call you back as soon as it is your turn. Your place in line: %(url)s"
    ),
    "text_promised_later": sentence("%(queue)s: we will call you back on %(when)s. See or change it: %(url)s"),
    "text_nearly": sentence("%(queue)s: it is nearly your turn. Please keep your phone at hand. %(url)s"),
    "text_unreached": sentence("%(queue)s: we called you back and could not reach you. You can call us at any time."),
    "text_expired": sentence("%(queue)s: we are sorry, we could not call you back in time. Please call us again."),
    "text_given_up": sentence(
        "%(queue)s: we are sorry, we could not call you back because of a fault on our side. Please call us again."
    ),
    "text_cancelled": sentence("%(queue)s: your callback is cancelled. We will not call you."),
    "text_code": sentence(
        "%(code)s is your code for %(queue)s to call you back on this phone. It works for 10 minutes. "
        "If you did not ask for it, do nothing."
    ),
    "text_code_old": sentence(
        "%(code)s is your code to have %(queue)s call you back on another phone. It works for 10 minutes. "
        "If you did not ask for it, do nothing, and give it to nobody."
    ),
    "text_status_place": counted(
        "Your callback: you are first in line. %(url)s",
        "Your callback: you are number %(position)s in line. %(url)s",
        count="position",
    ),
    "text_status_waiting": sentence("Your callback is booked. We will call you as soon as it is your turn. %(url)s"),
    "text_status_scheduled": sentence("Your callback is booked for a later time. %(url)s"),
    "text_status_scheduled_at": sentence("Your callback is booked for %(when)s. %(url)s"),
    "text_status_calling": sentence("We are calling you now. %(url)s"),
    "text_status_completed": sentence("Your callback is done. %(url)s"),
    "text_status_cancelled": sentence("Your callback is cancelled. %(url)s"),
    "text_status_unreached": sentence("We called you back and could not reach you. %(url)s"),
    "text_status_over": sentence("Your callback has ended. %(url)s"),
    "text_status_none": sentence("We have no callback for this number. You can call us at any time."),
}

PHRASES: Final[dict[str, Sentence]] = {
    "span_minutes": sentence("%(low)s to %(high)s minutes"),
    "about_minutes": counted("%(minutes)s minute", "%(minutes)s minutes", count="minutes"),
    "span_hours": sentence("%(low)s to %(high)s hours"),
    "about_hours": counted("%(hours)s hour", "%(hours)s hours", count="hours"),
    "under_a_minute": sentence("less than a minute"),
}
"""Durations, as they stand inside a sentence."""

SENTENCES: Final[dict[str, Sentence]] = ARRIVAL | PROMISE | HOLDING | WHISPER | ANSWER | TEXTS | PHRASES
