"""What simulated callers do on the phone, against a voice that a test scripts."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callback.emulator.callers import Caller
from callback.emulator.persons import Figures, Person
from callback.emulator.scene import Field, Scene, Talk
from callback.emulator.speech import Intent
from tests.support.telephone import FakeExchange, FakeLeg, VirtualClock, in_virtual_time

QUEUE = "+12025550100"
OFFER = (
    "Your wait is 9 to 14 minutes.",
    "To be called back without losing your place, press 1. To stay on the line, press 2. For another time, press 3.",
)
READBACK = "We have the number 2 0 1, 5 5 5, 0 1 0 0. If that is right, press 1. For another number, press 2."
ENTER = "Please enter the number, then press pound."
PROMISE = "We will call you back in 9 to 14 minutes. Goodbye."
CHECK = "This is Acme, calling you back. To talk now, press 1. For later, press 2. If you no longer need us, press 3."

PERSON = Person(
    index=1,
    name="Ruth Hale",
    number="+12015550100",
    language="en",
    wish=Intent.CALLBACK,
    patience_s=600.0,
    talk_s=100.0,
)
Told = list[tuple[str, dict[str, Field]]]


class Stage:
    """One caller, the voice of a product, and what was told of it."""

    def __init__(self, clock: VirtualClock, product: Callable[[FakeLeg], Awaitable[None]], **traits: Any) -> None:
        figures = traits.pop("figures", Figures())
        self.clock = clock
        self.told: Told = []
        self.exchange = FakeExchange(clock, product)
        self.scene = Scene(self.exchange, self._narrate, seed=traits.pop("seed", 1), figures=figures)
        self.caller = Caller(dataclasses.replace(PERSON, **traits), self.scene, QUEUE)

    def _narrate(self, event: str, /, **fields: Field) -> None:
        self.told.append((event, fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.told if event != "hears"]


async def enrolling(leg: FakeLeg) -> None:
    """A product that offers, reads back, promises, and lets those who stay hold for twenty minutes."""
    if await leg.ask(*OFFER) == "1":
        while (key := await leg.ask(READBACK)) == "2":
            await leg.ask(ENTER, timeout_s=20)
        if key == "1":
            await leg.say(PROMISE)
            return
    leg.play("music")
    await leg.clock.sleep(1200)


def test_who_takes_the_offer_presses_confirms_and_hangs_up_after_the_goodbye() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling)
        await stage.caller.live(remembers_s=1.0)
        leg = stage.exchange.legs[0]
        assert leg.pressed == ["1", "1"]
        assert stage.events == ["rings", "presses 1 (callback)", "presses 1 (confirm)", "has hung up, keeps the place"]
        assert leg.from_ == PERSON.number
        assert leg.params["StirVerstat"] == "TN-Validation-Passed-A"

    in_virtual_time(story)


def test_nobody_presses_a_key_that_no_voice_has_named() -> None:
    async def product(leg: FakeLeg) -> None:
        await leg.ask("Your wait is 9 to 14 minutes.", "We can call you back.", timeout_s=30)
        leg.play("music")
        await leg.clock.sleep(3000)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, patience_s=400.0)
        await stage.caller.live()
        assert stage.exchange.legs[0].pressed == []
        assert stage.events[-1] == "hangs up, tired of waiting"
        assert clock.now_s == pytest.approx(400.0, abs=1)

    in_virtual_time(story)


def test_the_key_is_the_one_the_voice_named_whatever_it_is() -> None:
    async def product(leg: FakeLeg) -> None:
        await leg.ask("继续等待，请按4。如需回电，请按6。")

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, language="zh")
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed[0] == "6"

    in_virtual_time(story)


def test_a_key_is_pressed_after_its_words_and_not_before() -> None:
    async def story(clock: VirtualClock) -> None:
        pressed_at: list[float] = []

        async def product(leg: FakeLeg) -> None:
            await leg.ask("To stay on the line for as long as it may take today, press 2. To be called back, press 1.")
            pressed_at.append(clock.now_s)

        await Stage(clock, product, reaction_s=1.0).caller.live(remembers_s=1.0)
        assert 89 / 15 < pressed_at[0] < 89 / 15 + 1.5

    in_virtual_time(story)


def test_who_would_rather_hold_says_so_and_holds_until_patience_ends() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling, wish=Intent.STAY, patience_s=300.0)
        await stage.caller.live()
        assert stage.exchange.legs[0].pressed == ["2"]
        assert stage.events[-1] == "hangs up, tired of waiting"
        assert clock.now_s == pytest.approx(300.0, abs=1)

    in_virtual_time(story)


def test_who_holds_may_give_in_when_the_offer_comes_again() -> None:
    async def product(leg: FakeLeg) -> None:
        for _ in range(10):
            if await leg.ask(*OFFER) == "1":
                await leg.say(PROMISE)
                return
            leg.play("music")
            await leg.clock.sleep(30)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, wish=Intent.STAY, gives_in_after=2)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["2", "2", "1"]

    in_virtual_time(story)


def test_who_wants_another_number_keys_it_in_and_ends_with_the_key_the_voice_asked_for() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling, other_number="+13035550142")
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["1", "2", "3035550142#", "1"]
        assert stage.exchange.endpoints["+13035550142"] is stage.caller

    in_virtual_time(story)


def test_who_withholds_the_number_rings_anonymously_and_keys_one_in_when_asked() -> None:
    async def product(leg: FakeLeg) -> None:
        if await leg.ask(*OFFER) == "1" and await leg.ask(ENTER, timeout_s=20):
            await leg.ask(READBACK)
            await leg.say(PROMISE)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, withheld=True, other_number="+13035550142")
        await stage.caller.live(remembers_s=1.0)
        leg = stage.exchange.legs[0]
        assert leg.from_ == "anonymous"
        assert "CallerName" not in leg.params
        assert leg.pressed == ["1", "3035550142#", "1"]

    in_virtual_time(story)


def test_later_is_chosen_where_it_is_offered_and_then_a_time() -> None:
    async def product(leg: FakeLeg) -> None:
        if await leg.ask(*OFFER) == "3" and await leg.ask(
            "For today at 3 p.m., press 1. For tomorrow at 9 a.m., press 2."
        ):
            await leg.say(PROMISE)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, wish=Intent.LATER)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["3", "1"]

    in_virtual_time(story)


def test_where_later_is_not_offered_a_callback_will_do_once_the_voice_has_finished() -> None:
    async def product(leg: FakeLeg) -> None:
        if await leg.ask("To be called back, press 1.", "To stay on the line, press 2."):
            await leg.say(PROMISE)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, wish=Intent.LATER)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["1"]

    in_virtual_time(story)


def test_a_fumbling_caller_presses_a_wrong_key_once_and_does_better_when_asked_again() -> None:
    async def product(leg: FakeLeg) -> None:
        if await leg.ask(*OFFER) != "1":
            await leg.ask("Sorry.", *OFFER)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, fumbles=True)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["7", "1"]

    in_virtual_time(story)


def test_a_key_that_was_lost_is_pressed_again_after_a_silence() -> None:
    async def product(leg: FakeLeg) -> None:
        await leg.say("To be called back, press 1.")
        await leg.clock.sleep(4)
        assert await leg.ask(timeout_s=30) == "1"
        await leg.say(PROMISE)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == ["1", "1"]
        assert stage.exchange.voices[0].done()

    in_virtual_time(story)


@pytest.mark.parametrize(("wish", "pressed"), [(Intent.CALLBACK, ["1"] * 3), (Intent.STAY, ["2"])])
def test_silence_makes_a_key_be_tried_thrice_unless_silence_was_asked_for(wish: Intent, pressed: list[str]) -> None:
    async def product(leg: FakeLeg) -> None:
        await leg.ask(*OFFER)
        await leg.clock.sleep(300)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, wish=wish)
        await stage.caller.live(remembers_s=1.0)
        assert stage.exchange.legs[0].pressed == pressed

    in_virtual_time(story)


def test_who_is_refused_a_callback_again_and_again_stops_asking_and_holds() -> None:
    async def product(leg: FakeLeg) -> None:
        while not leg.ended.is_set():
            await leg.ask("Press 1 at any time to be called back instead.")
            await leg.say("Sorry, we cannot arrange callbacks at the moment.")
            leg.play("music")
            await leg.clock.sleep(30)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, patience_s=500.0)
        await stage.caller.live()
        assert stage.exchange.legs[0].pressed == ["1"] * 4
        assert stage.events[-1] == "hangs up, tired of waiting"

    in_virtual_time(story)


def test_a_menu_that_never_ends_is_left() -> None:
    async def product(leg: FakeLeg) -> None:
        while not leg.ended.is_set():
            await leg.ask(*OFFER)

    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, product, patience_s=100_000.0)
        await stage.caller.live()
        assert stage.events[-1] == "hangs up, lost in the menu"

    in_virtual_time(story)


def test_a_caller_connected_at_once_talks_and_expects_no_callback() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling, ends_talk=True)

        async def connect(leg: FakeLeg) -> None:
            leg.bridge_to(stage.exchange.leg(QUEUE, "sip:ada@desk"))

        stage.exchange.product = connect
        stage.scene.agent_at["sip:ada@desk"] = "Ada"
        await stage.caller.live()
        assert "talks with Ada" in stage.events
        assert clock.now_s == pytest.approx(PERSON.talk_s, abs=1)
        assert not stage.scene.talks

    in_virtual_time(story)


def test_who_was_cut_off_in_mid_talk_stays_on_the_line_to_be_connected_again() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling, ends_talk=True)

        async def cutting_off(leg: FakeLeg) -> None:
            agent = stage.exchange.leg(QUEUE, "sip:ada@desk")
            leg.bridge_to(agent)
            await clock.sleep(5)
            agent.end()
            leg.play("music")
            await clock.sleep(20)
            leg.bridge_to(stage.exchange.leg(QUEUE, "sip:bob@desk"))

        stage.exchange.product = cutting_off
        await stage.caller.live()
        assert stage.events.index("was cut off, stays on the line") > stage.events.index("talks with an agent")
        assert stage.events[-1] == "says goodbye and hangs up"

    in_virtual_time(story)


def test_when_all_was_said_and_the_agent_is_gone_the_caller_rings_off() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling)

        async def connect(leg: FakeLeg) -> None:
            agent = stage.exchange.leg(QUEUE, "sip:ada@desk")
            leg.bridge_to(agent)
            await clock.sleep(30)
            stage.scene.talks[leg.sid].finished = True
            agent.end()
            await clock.sleep(60)

        stage.exchange.product = connect
        await stage.caller.live()
        assert clock.now_s == pytest.approx(31.5, abs=0.5)

    in_virtual_time(story)


def _promised(clock: VirtualClock, **traits: Any) -> Stage:
    stage = Stage(clock, enrolling, **traits)
    stage.exchange.register(PERSON.number, stage.caller)
    return stage


async def checking(leg: FakeLeg) -> None:
    """A product that asks whether a person answered, and says goodbye to whoever has no wish to talk."""
    key = await leg.ask(CHECK)
    if key == "1":
        leg.bridge_to(FakeLeg(leg.clock, "CAagent", QUEUE, "sip:ada@desk"))
        await leg.ended.wait()
    else:
        await leg.say("Thank you. Goodbye.")


def test_a_promised_caller_answers_presses_the_key_and_talks() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = _promised(clock, lead=True, ends_talk=True)
        stage.scene.agent_at["sip:ada@desk"] = "Ada"
        leg = await stage.exchange.call(PERSON.number, QUEUE, checking)
        assert leg.pressed == ["1"]
        assert stage.events == [
            "is called back",
            "answers",
            "presses 1 (talk)",
            "talks with Ada",
            "says goodbye and hangs up",
        ]

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("figures", "pressed"),
    [
        (Figures(answer=1.0, talk_when_called=1.0), ["1"]),
        (Figures(answer=1.0, talk_when_called=0.0, later_when_called=1.0), ["2"]),
        (Figures(answer=1.0, talk_when_called=0.0, later_when_called=0.0), ["3"]),
    ],
)
def test_who_answers_presses_talk_later_or_no_longer_needed(figures: Figures, pressed: list[str]) -> None:
    async def story(clock: VirtualClock) -> None:
        stage = _promised(clock, figures=figures, ends_talk=True)
        leg = await stage.exchange.call(PERSON.number, QUEUE, checking)
        assert leg.pressed == pressed

    in_virtual_time(story)


def test_a_busy_phone_declines_one_unheard_rings_out_and_a_voicemail_answers_as_a_machine() -> None:
    async def story(clock: VirtualClock) -> None:
        nobody = Figures(answer=0.0, busy=0.0, voicemail=0.0)
        busy = _promised(clock, figures=dataclasses.replace(nobody, busy=1.0))
        assert (await busy.exchange.call(PERSON.number, QUEUE, checking)).declined == "busy"

        unheard = _promised(clock, figures=nobody)
        leg = await unheard.exchange.call(PERSON.number, QUEUE, checking)
        assert not leg.answered.is_set()
        assert unheard.events == ["is called back", "did not hear the phone"]

        machine = _promised(clock, figures=dataclasses.replace(nobody, voicemail=1.0))
        leg = await machine.exchange.call(PERSON.number, QUEUE, checking)
        assert leg.machine
        assert leg.pressed == []

    in_virtual_time(story)


def test_a_voicemail_ends_the_call_when_its_tape_is_full() -> None:
    async def story(clock: VirtualClock) -> None:
        async def silent(leg: FakeLeg) -> None:
            await leg.ended.wait()

        stage = _promised(clock, figures=Figures(answer=0.0, busy=0.0, voicemail=1.0))
        await stage.exchange.call(PERSON.number, QUEUE, silent)
        assert 60 < clock.now_s < 90

    in_virtual_time(story)


def test_answers_come_after_nine_seconds_or_so_as_often_as_the_figures_say() -> None:
    async def story(clock: VirtualClock) -> None:
        answered, rings = 0, []
        for seed in range(200):
            stage = _promised(clock, seed=seed, figures=Figures(talk_when_called=0.0, later_when_called=0.0))
            began = clock.now_s

            async def noting(leg: FakeLeg, began: float = began) -> None:
                rings.append(clock.now_s - began)
                await checking(leg)

            leg = await stage.exchange.call(PERSON.number, QUEUE, noting)
            answered += leg.answered.is_set() and not leg.machine
        assert answered / 200 == pytest.approx(0.85, abs=0.08)
        assert sum(rings) / len(rings) == pytest.approx(9, abs=1)

    in_virtual_time(story)


def test_a_caller_on_the_phone_is_busy_to_whoever_rings_meanwhile() -> None:
    async def story(clock: VirtualClock) -> None:
        declined: list[str] = []

        async def ringing_meanwhile(_leg: FakeLeg) -> None:
            second = await stage.exchange.call(PERSON.number, QUEUE, checking)
            declined.append(second.declined)

        stage = Stage(clock, ringing_meanwhile)
        await stage.caller.live()
        assert declined == ["busy"]

    in_virtual_time(story)


def test_who_was_promised_a_callback_lives_until_served_and_wants_nothing_when_rung_again() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling, lead=True, ends_talk=True)

        async def promise_and_keep_it(leg: FakeLeg) -> None:
            await enrolling(leg)
            leg.end()
            await clock.sleep(300)
            await stage.exchange.call(PERSON.number, QUEUE, checking)

        stage.exchange.product = promise_and_keep_it
        await stage.caller.live()
        assert "says goodbye and hangs up" in stage.events
        assert clock.now_s < 600
        again = await stage.exchange.call(PERSON.number, QUEUE, checking)
        assert again.pressed == ["3"]

    in_virtual_time(story)


def test_a_text_is_kept_and_its_link_told() -> None:
    async def story(clock: VirtualClock) -> None:
        stage = Stage(clock, enrolling)
        stage.caller.text("Your place in line: http://127.0.0.1:8000/c/abc.", QUEUE)
        assert stage.caller.messages == ["Your place in line: http://127.0.0.1:8000/c/abc."]
        event, fields = stage.told[-1]
        assert (event, fields["link"], fields["sender"]) == ("gets a text", "http://127.0.0.1:8000/c/abc", QUEUE)

    in_virtual_time(story)


def test_what_is_left_to_say_is_known_to_both_ends_of_a_call() -> None:
    async def story(clock: VirtualClock) -> None:
        known: list[Talk] = []

        async def product(leg: FakeLeg) -> None:
            known.append(stage.scene.talks[leg.sid])
            await leg.say("Goodbye.")

        stage = Stage(clock, product, talk_s=77.0, ends_talk=True)
        await stage.caller.live()
        assert known == [Talk(77.0, caller_ends=True)]

    in_virtual_time(story)
