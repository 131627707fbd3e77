"""A moment of a call for each sentence that is spoken: the whole document in which it is heard, with likely values.

Whoever words a sentence otherwise hears it where it stands. Wherever a step of a call makes its document from what it
is given, it makes this one too; the others are put together here as their steps do it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from callback.domain.dialogue import Ask, Connect, Goto, HangUp, Prompt, Script, Silence, Speak, Step, Verb
from callback.domain.ids import EntryId, QueueKey
from callback.domain.policy import Queue
from callback.flows import hold, menu
from callback.flows.hook import Hook, Place, micros
from callback.flows.trouble import AGENT_SOON_S

CALL: Final = "CA00000000000000000000000000000000"
NUMBER: Final = "+14155550123"
OURS: Final = "+14155550100"
KNOWN: Final = Hook({"CallSid": CALL, "From": NUMBER})
WITHHELD: Final = Hook({"CallSid": CALL, "From": "anonymous"})
SOON: Final = {"low": 4, "high": 6}


@dataclass(frozen=True)
class Stage:
    """Where it plays: a queue, the language of the call, and the time."""

    queue: Queue
    language: str
    now: datetime
    zone: str = "UTC"
    position: int = 3

    @property
    def place(self) -> Place:
        """The caller's."""
        joined = micros(self.now)
        return Place(QueueKey(self.queue.key), EntryId(CALL), joined, joined, self.language)

    @property
    def ours(self) -> str:
        """The number that calls back."""
        return self.queue.numbers[0] if self.queue.numbers else OURS

    @property
    def welcome(self) -> Prompt:
        """What everybody hears first."""
        return Prompt("welcome", {"queue": self.queue.name})

    def at(self, hours: float) -> dict[str, str]:
        """A full hour about so many hours from now, with its zone."""
        later = (self.now + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
        return {"when": later.isoformat(), "zone": self.zone}

    def said(self, *prompts: Prompt, then: Verb | None = None) -> Script:
        """These, and the end of the call, or what is to come `then`."""
        return Script(self.language, (Speak(prompts), then or HangUp()), self.queue.key)

    def held(self, *prompts: Prompt) -> Script:
        """These, and on hold."""
        return self.said(*prompts, then=self.place.hold())


Scene = Callable[[Stage], Script]


def scene(sentence: str, stage: Stage) -> Script | None:
    """The document in which it is heard; None for what is not spoken."""
    played = SCENES.get(sentence)
    return None if played is None else played(stage)


# --- arriving -----------------------------------------------------------------------------------------------------


def _offered(stage: Stage, told: Prompt, hook: Hook = KNOWN) -> Script:
    hint = (Prompt("language_key"),) if len(stage.queue.policy.languages) > 1 else ()
    return menu.offer(hook, stage.place, before=(stage.welcome, *hint, told))


def _offer(stage: Stage) -> Script:
    return _offered(stage, Prompt("wait_range", SOON))


def _other_language(stage: Stage) -> Script:
    return menu.offer(KNOWN, stage.place, before=(stage.welcome, Prompt("language_key"), Prompt("wait_range", SOON)))


def _again(stage: Stage) -> Script:
    return menu.offer(KNOWN, stage.place, before=(Prompt("again"),))


def _closing(stage: Stage) -> Script:
    told = (stage.welcome, Prompt("wait_range", SOON), Prompt("not_accepting", {"reason": "not_before_closing"}))
    return _asked(stage, *told, Prompt("closing_keys", stage.at(14)), step="offer")


def _asked(stage: Stage, *prompts: Prompt, step: str) -> Script:
    return Script(stage.language, (Ask(prompts, stage.place.step(step)),), stage.queue.key)


def _closed(stage: Stage) -> Script:
    opens = stage.at(14)
    return stage.said(stage.welcome, Prompt("closed", {"opens": opens["when"], "zone": opens["zone"]}))


def _refused(reason: str) -> Scene:
    return lambda stage: menu.stay(stage.place, Prompt("not_accepting", {"reason": reason}), Prompt("stay"))


# --- the promise --------------------------------------------------------------------------------------------------


def _promised(stage: Stage, promise: Prompt) -> Script:
    ours = Prompt("promise_from", {"caller_id": stage.ours})
    return stage.said(promise, ours, Prompt("promise_text"), Prompt("goodbye"))


def _promise(stage: Stage) -> Script:
    return _promised(stage, Prompt("promise", {"number": NUMBER, **SOON}))


def _slots(stage: Stage) -> Script:
    times = {f"slot{key}": stage.at(hours)["when"] for key, hours in ((1, 1), (2, 2), (3, 24))}
    return _asked(stage, Prompt("later_slots", {**times, "zone": stage.zone}), step="later")


def _booked(stage: Stage, told: Prompt) -> Script:
    return _asked(stage, stage.welcome, told, Prompt("already_keys"), step="already")


def _appointment(stage: Stage) -> Script:
    return _asked(stage, stage.welcome, Prompt("booked_for", stage.at(14)), Prompt("booked_keys"), step="already")


def _kept(stage: Stage) -> Script:
    return stage.said(Prompt("already_kept"), Prompt("goodbye"))


# --- on hold ------------------------------------------------------------------------------------------------------


def _lap(*prompts: Prompt) -> Scene:
    """Their place, these, and music."""

    def played(stage: Stage) -> Script:
        told = (Prompt("hold_place", {"position": stage.position}), *prompts)
        action = stage.place.next_lap().step("held")
        return Script(stage.language, (Ask(told, action, music_s=hold.MUSIC_S, timeout=2),), stage.queue.key)

    return played


# --- our call to them, and what agents hear -----------------------------------------------------------------------


def _answered(sentence: str) -> Scene:
    def played(stage: Stage) -> Script:
        dated = {"requested": stage.at(-1)["when"]} if sentence == "human_check" else {}
        check = Prompt("human_check", {"queue": stage.queue.name, **dated, "zone": stage.zone})
        keys = Ask((check, Prompt("human_keys")), Step("callback/key", {"l": stage.language}), timeout=6)
        return Script(stage.language, (keys,), stage.queue.key)

    return played


def _whisper(sentence: str, name: str = "") -> Scene:
    def played(stage: Stage) -> Script:
        told = Prompt(sentence, {"queue": stage.queue.name, "minutes": 4, "name": name})
        return Script(stage.language, (Ask((told, Prompt("whisper_key")), Step("agent/key", {"l": stage.language})),))

    return played


def _ring(stage: Stage) -> Connect:
    """An agent's telephone."""
    return Connect(
        contact="client:agent",
        whisper=Step("agent/whisper", {"l": stage.language}),
        status=Step("agent/status"),
        after=stage.place.step("dialled"),
        timeout=stage.queue.policy.ring_timeout_s,
        caller_id=stage.ours,
    )


def _asked_by_a_colleague(stage: Stage) -> Script:
    told = Prompt("consult_whisper", {"name": "Ada Lovelace", "queue": stage.queue.name})
    return Script(stage.language, (Ask((told, Prompt("consult_key")), Step("desk/other/key", {"l": stage.language})),))


def _test(stage: Stage) -> Script:
    told = (Prompt("ring_test"), Prompt("ring_test_key"))
    return Script(stage.language, (Ask(told, Step("agent/test/key", {"l": stage.language})),))


def _said(*sentences: str) -> Scene:
    return lambda stage: stage.said(*map(Prompt, sentences))


def _held(*sentences: str) -> Scene:
    return lambda stage: stage.held(*map(Prompt, sentences))


def _once_more(sentence: str, step: str, meanwhile: Verb) -> Scene:
    return lambda stage: Script(
        stage.language, (Speak((Prompt(sentence),)), meanwhile, Goto(Step(step))), stage.queue.key
    )


SCENES: Final[Mapping[str, Scene]] = {
    "welcome": _offer,
    "wait_range": _offer,
    "wait_soon": lambda stage: stage.held(stage.welcome, Prompt("wait_soon")),
    "wait_unknown": lambda stage: _offered(stage, Prompt("wait_unknown")),
    "nobody_staffed": lambda stage: _offered(stage, Prompt("nobody_staffed")),
    "offer_keys": _offer,
    "offer_keys_no_number": lambda stage: _offered(stage, Prompt("wait_range", SOON), WITHHELD),
    "closing_keys": _closing,
    "language_key": _other_language,
    "again": _again,
    "stay": lambda stage: menu.stay(stage.place),
    "closed": _closed,
    "closed_unknown": lambda stage: stage.said(stage.welcome, Prompt("closed_unknown")),
    "unknown_number": _said("unknown_number"),
    "trouble": _held("trouble"),
    "trouble_bye": _said("trouble_bye"),
    "trouble_no_callback": _held("trouble_no_callback", "stay"),
    "trouble_not_connected": _said("trouble_not_connected"),
    "confirm_number": lambda stage: menu.read_back(stage.place, NUMBER),
    "confirm_keys": lambda stage: menu.read_back(stage.place, NUMBER),
    "enter_number": lambda stage: menu.ask_number(stage.place),
    "bad_number": lambda stage: menu.ask_number(stage.place, "", 1, Prompt("bad_number")),
    "refused_number": lambda stage: menu.ask_number(stage.place, "", 1, Prompt("refused_number")),
    "promise": _promise,
    "promise_unknown": lambda stage: _promised(stage, Prompt("promise_unknown", {"number": NUMBER})),
    "promise_later": lambda stage: _promised(stage, Prompt("promise_later", {"number": NUMBER, **stage.at(14)})),
    "promise_from": _promise,
    "promise_text": _promise,
    "goodbye": _promise,
    "later_slot": _slots,
    "already_waiting": lambda stage: _booked(stage, Prompt("already_waiting", {"position": stage.position})),
    "already_booked": lambda stage: _booked(stage, Prompt("already_waiting")),
    "already_keys": lambda stage: _booked(stage, Prompt("already_waiting", {"position": stage.position})),
    "booked_for": _appointment,
    "booked_keys": _appointment,
    "booked_now": lambda stage: stage.held(Prompt("booked_now")),
    "already_kept": _kept,
    "not_accepting_closed": _refused("closed"),
    "not_accepting_full": _refused("full"),
    "not_accepting_not_before_closing": _closing,
    "not_accepting_cannot_ring": _refused("cannot_ring"),
    "not_accepting": _refused(""),
    "hold_place": _lap(Prompt("hold_wait", SOON), Prompt("hold_offer")),
    "hold_wait": _lap(Prompt("hold_wait", SOON), Prompt("hold_offer")),
    "hold_soon": _lap(Prompt("hold_soon")),
    "hold_offer": _lap(Prompt("hold_wait", SOON), Prompt("hold_offer")),
    "hold_later": _lap(Prompt("hold_wait", SOON), Prompt("hold_later")),
    "answered_early": _held("answered_early"),
    "connecting": lambda stage: stage.said(Prompt("connecting"), then=_ring(stage)),
    "agent_missed": _held("agent_missed"),
    "passed_on": _held("passed_on"),
    "cut_off": _held("cut_off"),
    "human_check": _answered("human_check"),
    "human_check_undated": _answered("human_check_undated"),
    "human_keys": _answered("human_check"),
    "machine_message": lambda stage: stage.said(Prompt("machine_message", {"queue": stage.queue.name})),
    "later_done": lambda stage: stage.said(Prompt("later_done", stage.at(1))),
    "not_needed_done": _said("not_needed_done"),
    "superseded": _said("superseded"),
    "call_cancelled": _said("call_cancelled"),
    "whisper_live": _whisper("whisper_live"),
    "whisper_live_named": _whisper("whisper_live", "Ada Lovelace"),
    "whisper_callback": _whisper("whisper_callback"),
    "whisper_callback_named": _whisper("whisper_callback", "Ada Lovelace"),
    "whisper_key": _whisper("whisper_live"),
    "whisper_ringing": _said("whisper_ringing"),
    "whisper_gone": _said("whisper_gone"),
    "whisper_unreached": _said("whisper_unreached"),
    "consult_whisper": _asked_by_a_colleague,
    "consult_key": _asked_by_a_colleague,
    "consult_gone": _said("consult_gone"),
    "consult_missed": _said("consult_missed"),
    "consult_left": _said("consult_left"),
    "consult_refused": _said("consult_refused"),
    "ring_test": _test,
    "ring_test_key": _test,
    "ring_test_done": _said("ring_test_done"),
    "no_key": _said("no_key"),
    "trouble_agent": _once_more("trouble_agent", "agent/whisper", Silence(AGENT_SOON_S)),
    "trouble_agent_bye": _said("trouble_agent_bye"),
}
"""By sentence."""
