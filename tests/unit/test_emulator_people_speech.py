"""What a simulated person understands: which key does what, in whatever words a prompt chooses."""

import pytest

from callback.emulator import speech
from callback.emulator.speech import Intent

MENUS = [
    (
        "For a callback, press 1. To stay on the line, press 2. To be called later, press 3.",
        "1=callback 2=stay 3=later",
    ),
    ("Press 1 for a callback, 2 to stay in line, or 3 to be called later.", "1=callback 2=stay 3=later"),
    ("Press 1 to be called back, or to stay on the line, press 2.", "1=callback 2=stay"),
    ("To be called back instead of waiting, press one; to keep waiting, press two.", "1=callback 2=stay"),
    ("Would you like us to call you? Press 1. Otherwise hold, or press 2 to keep waiting.", "1=callback 2=stay"),
    ("We can call you back when it is your turn. You keep your place. Press 1.", "1=callback"),
    ("Your wait is 9 to 14 minutes, press 1 to be called back or 2 to hold.", "1=callback 2=stay"),
    ("Hang up without losing your place: to get a call back, dial 1 now.", "1=callback"),
    ("To schedule a callback for another time, press the 3 key.", "3=later"),
    ("If it suits you better to be called later, push three.", "3=later"),
    ("You need not wait: press 4 to be called back.", "4=callback"),
    ("Rather than hold, have us call you back: press 1.", "1=callback"),
    ("如需回电，请按1。继续等待，请按2。稍后回电，请按3。", "1=callback 2=stay 3=later"),
    ("按 1 键回电，按 2 键继续等待，按3键预约其他时间", "1=callback 2=stay 3=later"),
    ("回电请按1，等待请按2，稍后请按3", "1=callback 2=stay 3=later"),
    ("不用继续等待，我们给您回电，请按１。", "1=callback"),
    ("我们会在轮到您时给您回电，请按一。", "1=callback"),
    ("按1回电，2继续等待，预计10分钟。", "1=callback 2=stay"),
    ("按1，我们会给您回电；按2，继续等待。", "1=callback 2=stay"),
    ("现在预计等待10分钟，按1回电，按2等待", "1=callback 2=stay"),
    ("If this number is right, press 1. For another number, press 2.", "1=confirm 2=another number"),
    ("Press 1 to confirm or 2 to use a different number.", "1=confirm 2=another number"),
    ("The number is 2 0 1, 5 5 5, 0 1 2 3. If that is correct, press 1.", "1=confirm"),
    ("To change the number, press 2.", "2=another number"),
    ("号码正确请按1，使用其他号码请按2。", "1=confirm 2=another number"),
    ("确认请按1，更换号码请按2。", "1=confirm 2=another number"),
    (
        "This is Acme calling you back. To talk now, press 1. For later, press 2. If you no longer need us, press 3.",
        "1=talk 2=later 3=no longer needed",
    ),
    (
        "Press 1 to be connected, 2 if you are busy now and want another time, 3 to cancel.",
        "1=talk 2=later 3=no longer needed",
    ),
    ("Press 9 if you did not ask for this call.", "9=did not ask for this"),
    ("通话请按1，稍后请按2，不再需要请按3。", "1=talk 2=later 3=no longer needed"),
    ("接听请按1键，改天再打请按2键，取消请按3键。", "1=talk 2=later 3=no longer needed"),
    ("没有申请过回电请按9。", "9=did not ask for this"),
    ("Callback for Maria, waited 4 minutes. Press any key to take the call.", "1=talk"),
    ("A caller is waiting. To accept, press 1.", "1=talk"),
    ("For English, press 8. 中文服务请按 9。", "8=English 9=Chinese"),
    ("Press 1 for tomorrow at 9 a.m., press 2 for tomorrow at 2 p.m.", "1=a time 2=a time"),
    ("明天上午请按1，明天下午请按2。", "1=a time 2=a time"),
    ("To hear this again, press star.", "*=hear again"),
    ("For sales, press 1; for support, press 2.", "1=? 2=?"),
    ("You are third in line. Your wait is about 10 minutes.", ""),
    ("您前面有3位，预计等待9到14分钟。", ""),
]


@pytest.mark.parametrize(("said", "understood"), MENUS)
def test_a_listener_understands_which_key_does_what(said: str, understood: str) -> None:
    assert " ".join(f"{option.key}={option.intent.value}" for option in speech.options(said)) == understood


def test_a_bare_key_takes_its_meaning_from_what_was_said_before_it() -> None:
    (option,) = speech.options("Press 1.", before="To be called back without losing your place:")
    assert option.intent is Intent.CALLBACK


def test_a_key_is_known_only_once_its_words_have_been_spoken() -> None:
    first, second = speech.options("To be called back, press 1. To stay on the line, press 2.")
    assert first.known_after_s == pytest.approx(len("To be called back, press 1") / 15, abs=0.1)
    assert second.known_after_s > first.known_after_s + 1.5


def test_chinese_is_spoken_at_five_characters_a_second_and_latin_at_fifteen() -> None:
    assert speech.spoken_seconds("请按一") == pytest.approx(0.6)
    assert speech.spoken_seconds("press one now!!") == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("said", "asks", "ends_with_hash"),
    [
        ("Please enter the number we should call, then press pound.", True, True),
        ("Key in your ten digit number followed by the hash key.", True, True),
        ("Type the number now.", True, False),
        ("To enter another number, press 2.", False, False),
        ("请输入您的电话号码，以井号键结束。", True, True),
        ("输入其他号码请按2。", False, False),
        ("We will call the number you rang from.", False, False),
    ],
)
def test_a_request_for_a_number_is_told_from_the_key_that_leads_to_it(
    said: str, asks: bool, ends_with_hash: bool
) -> None:
    assert speech.asks_for_number(said) is asks
    assert (asks and speech.wants_hash(said)) is ends_with_hash


@pytest.mark.parametrize(
    ("said", "promise", "goodbye"),
    [
        ("We will call you back in 9 to 14 minutes. Goodbye.", True, True),
        ("We'll ring you on this number. You can hang up now.", True, True),
        ("You will be called back at about three o'clock.", True, False),
        ("我们会在大约10分钟后给您回电。再见。", True, True),
        ("感谢来电，您可以挂机了。", False, True),
        ("We are closed. Good bye.", False, True),
        ("You can hang up and we will call you back: press 1.", False, False),
        ("Thank you for calling Acme.", False, False),
        ("按1我们会给您回电。", False, False),
    ],
)
def test_a_promise_and_a_goodbye_are_recognised_unless_a_key_is_still_on_offer(
    said: str, promise: bool, goodbye: bool
) -> None:
    assert speech.is_promise(said) is promise
    assert speech.is_goodbye(said) is goodbye


def test_among_the_options_heard_the_first_wish_wins() -> None:
    heard = speech.options("To be called back, press 1. To stay, press 2. For later, press 3.")
    chosen = speech.choose(heard, (Intent.TALK, Intent.LATER, Intent.STAY))
    assert chosen is not None
    assert chosen.key == "3"
    assert speech.choose(heard, (Intent.CONFIRM,)) is None


def test_the_link_in_a_text_message_ends_before_the_full_stop() -> None:
    assert (
        speech.link_in("Your place: http://127.0.0.1:8000/c/AbC_-9. Reply HELP for help")
        == "http://127.0.0.1:8000/c/AbC_-9"
    )
    assert speech.link_in("您的排队状态：https://example.test/c/x。谢谢") == "https://example.test/c/x"
    assert speech.link_in("no link") is None
