"""One call as the caller lives it, from the first word to the hang-up.

The same person behaves the same whether they rang in or were rung back; only their wishes differ. They gather the keys
a voice offers, press the one they want once its meaning is clear (or, when only second best was offered, once the voice
has finished), key a number in when asked, hold, talk, and ring off when there is nothing left to hear.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from callback.emulator import speech
from callback.emulator.handset import Handset, Line, Reminder, Sound
from callback.emulator.persons import CHINESE, Person
from callback.emulator.scene import Field, Scene, Talk
from callback.emulator.speech import Intent, Option

REPEATS_KEY_AFTER_S: Final = 8.0
TRIES_A_KEY: Final = 3
KEYS_BEFORE_GIVING_UP: Final = 12
CALLBACKS_ASKED_AT_MOST: Final = 4
LISTENS_ON_S: Final = 3.0
LEAVES_AFTER_S: Final = 1.5
WAITS_AFTER_CUT_OFF_S: Final = 180.0
WRONG_KEY: Final = "7"
_SETTLES: Final = frozenset({Intent.CALLBACK, Intent.CONFIRM, Intent.SLOT})


@dataclass(frozen=True)
class Wishes:
    """Which keys a listener wants: `first` at once when named, `second` only when the voice names nothing better."""

    first: tuple[Intent, ...]
    second: tuple[Intent, ...] = ()


@dataclass
class Progress:
    """What has happened on this call so far."""

    offers_heard: int = 0
    callbacks_asked: int = 0
    number_given: bool = False
    keys_pressed: int = 0
    settled: bool = False
    promised: bool = False
    fumbled: bool = False
    talked: bool = False
    gave_up: bool = False

    @property
    def believes_in_a_callback(self) -> bool:
        """Whether the person hung up in the belief that they will be rung."""
        return (self.promised or self.settled) and not self.gave_up and not self.talked


Wanting = Callable[[Progress], Wishes]


def wants_ringing_in(person: Person) -> Wanting:
    """What somebody wants who rings in: a callback, one at another time, or to hold until they give in."""

    def wants(progress: Progress) -> Wishes:
        wish = Intent.CALLBACK if progress.offers_heard > person.gives_in_after else person.wish
        if wish is Intent.STAY or progress.callbacks_asked >= CALLBACKS_ASKED_AT_MOST:
            return Wishes((_language(person), Intent.STAY))
        wanted = (Intent.CALLBACK,) if wish is Intent.CALLBACK else (Intent.SLOT, Intent.LATER)
        if person.other_number is not None and not progress.number_given:
            return Wishes((_language(person), Intent.OTHER_NUMBER, *wanted), (Intent.CONFIRM, Intent.CALLBACK))
        return Wishes((_language(person), Intent.CONFIRM, *wanted), (Intent.CALLBACK,))

    return wants


def wants_called_back(person: Person, mood: Intent) -> Wanting:
    """What somebody wants who is rung back: to talk, another time, or to be left alone."""
    language = _language(person)
    wishes = {
        Intent.TALK: Wishes((language, Intent.TALK, Intent.CONFIRM)),
        Intent.LATER: Wishes((language, Intent.SLOT, Intent.LATER, Intent.CONFIRM), (Intent.NOT_NEEDED,)),
        Intent.NOT_NEEDED: Wishes((language, Intent.NOT_NEEDED, Intent.CONFIRM), (Intent.LATER,)),
    }[mood]
    return lambda _progress: wishes


def _language(person: Person) -> Intent:
    return Intent.CHINESE if person.language == CHINESE else Intent.ENGLISH


class Visit:
    """A caller on one leg. `live` returns when the leg is over; `progress` says what came of it."""

    def __init__(self, person: Person, scene: Scene, leg: Line, wants: Wanting, patience_s: float) -> None:
        self.progress = Progress()
        self._person = person
        self._scene = scene
        self._leg = leg
        self._wants = wants
        self._patience_s = patience_s
        self._handset = Handset(leg, scene.exchange.clock)
        self._menu: list[Option] = []
        self._intended: Option | None = None
        self._tries = 0
        self._said = ""
        self._talk = Talk(person.talk_s, person.ends_talk)

    async def live(self) -> None:
        """Listen and act until the call is over."""
        self._scene.talks[self._leg.sid] = self._talk
        try:
            async with self._handset as handset:
                handset.remind(Reminder.GIVE_UP, self._patience_s)
                while (happened := await handset.next()) is not None:
                    await self._react(happened)
            if self.progress.believes_in_a_callback:
                self._tell("has hung up, keeps the place")
        finally:
            del self._scene.talks[self._leg.sid]

    async def _react(self, happened: Sound | Reminder) -> None:
        match happened:
            case Reminder.PRESS | Reminder.PRESS_AGAIN:
                await self._press()
            case Reminder.GIVE_UP:
                await self._give_up("hangs up, tired of waiting")
            case Reminder.HANG_UP:
                if not self.progress.promised:
                    self._tell("hangs up")
                await self._leg.hang_up()
            case Reminder.TALK_OVER:
                self._talk.finished = True
                self._tell("says goodbye and hangs up")
                await self._leg.hang_up()
            case sound:
                self._hear(sound)

    def _hear(self, sound: Sound) -> None:
        if sound.kind not in ("pause", "gather"):
            self._handset.forget(Reminder.PRESS_AGAIN)
        if sound.kind == "say":
            self._listen(sound.text)
        elif sound.kind == "bridged":
            self._start_talking(sound.leg)
        elif sound.kind == "unbridged":
            self._stop_talking()

    def _listen(self, text: str) -> None:
        self._tell("hears", text=text)
        lasts_s = speech.spoken_seconds(text)
        offered = speech.options(text, self._said)
        self._said = text
        if speech.asks_for_number(text):
            self._mean_to_key_in(text, lasts_s)
        elif offered:
            self._weigh(offered, lasts_s)
        elif speech.is_promise(text) or speech.is_goodbye(text):
            self._take_leave(text, lasts_s)
        elif self._handset.reminded_of(Reminder.HANG_UP):
            self._handset.remind(Reminder.HANG_UP, lasts_s + LEAVES_AFTER_S)

    def _weigh(self, offered: tuple[Option, ...], lasts_s: float) -> None:
        """Decide what to press, if anything, now that these keys are known as well."""
        if any(option.intent is Intent.CALLBACK for option in offered):
            self.progress.offers_heard += 1
        self.progress.promised = False
        self._handset.forget(Reminder.HANG_UP)
        self._menu.extend(offered)
        wishes = self._wants(self.progress)
        best = speech.choose(self._menu, wishes.first)
        if best is not None and best in offered:
            self._mean_to_press(best, best.known_after_s)
        elif best is None and (best := speech.choose(self._menu, wishes.second)) is not None:
            self._mean_to_press(best, lasts_s + LISTENS_ON_S)

    def _mean_to_press(self, option: Option, in_s: float) -> None:
        self._intended = option
        self._tries = 0
        self._handset.remind(Reminder.PRESS, in_s + self._person.reaction_s)

    def _mean_to_key_in(self, text: str, lasts_s: float) -> None:
        person = self._person
        number = person.other_number or (None if person.withheld else person.number)
        if number is not None and Intent.STAY not in self._wants(self.progress).first:
            digits = number.removeprefix("+1") + ("#" if speech.wants_hash(text) else "")
            self._mean_to_press(Option(digits, Intent.OTHER_NUMBER, text, lasts_s), lasts_s)

    async def _press(self) -> None:
        option = self._intended
        if option is None:
            return
        if self.progress.keys_pressed >= KEYS_BEFORE_GIVING_UP:
            await self._give_up("hangs up, lost in the menu")
            return
        self.progress.keys_pressed += 1
        self._menu.clear()
        key = option.key
        if self._person.fumbles and not self.progress.fumbled:
            self.progress.fumbled = True
            key = WRONG_KEY
            self._tell(f"presses {key} by mistake", key=key)
        else:
            self._note(option)
        await self._leg.press(key)
        self._tries += 1
        # Who chose to hold takes silence for holding; anybody else, for a key that was not understood.
        if option.intent is not Intent.STAY and self._tries < TRIES_A_KEY:
            self._handset.remind(Reminder.PRESS_AGAIN, REPEATS_KEY_AFTER_S)

    def _note(self, option: Option) -> None:
        if len(option.key) > 1:
            self.progress.number_given = True
            self._tell("keys another number in", key=option.key)
        else:
            self._tell(f"presses {option.key} ({option.intent.value})", key=option.key)
        self.progress.callbacks_asked += option.intent is Intent.CALLBACK
        if option.intent in _SETTLES:
            self.progress.settled = True
            self._handset.remind(Reminder.GIVE_UP, self._patience_s)

    def _take_leave(self, text: str, lasts_s: float) -> None:
        if speech.is_promise(text) and self.progress.settled:
            self.progress.promised = True
        if self.progress.promised or speech.is_goodbye(text):
            self._handset.forget(Reminder.GIVE_UP)
            self._handset.remind(Reminder.HANG_UP, lasts_s + LEAVES_AFTER_S)

    def _start_talking(self, peer: Line | None) -> None:
        self._handset.forget()
        self.progress.talked = True
        agent = self._scene.agent_at.get(peer.to) if peer is not None else None
        self._tell(f"talks with {agent or 'an agent'}", agent=agent)
        if self._talk.caller_ends:
            self._handset.remind(Reminder.TALK_OVER, self._talk.length_s)

    def _stop_talking(self) -> None:
        """The other end has gone: rings off when all was said, else stays on the line, puzzled."""
        self._handset.forget()
        if self._talk.finished:
            self._handset.remind(Reminder.HANG_UP, LEAVES_AFTER_S)
        else:
            self.progress.talked = False
            self._tell("was cut off, stays on the line")
            self._handset.remind(Reminder.GIVE_UP, WAITS_AFTER_CUT_OFF_S)

    async def _give_up(self, event: str) -> None:
        self.progress.gave_up = True
        self._tell(event)
        await self._leg.hang_up()

    def _tell(self, event: str, **fields: Field) -> None:
        self._scene.tell(self._person, event, **fields)
