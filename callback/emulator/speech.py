"""What a simulated person makes of what they hear: which key does what, in English and Chinese.

The people of the emulator know nothing of the product's menus. They press a key only because a voice said what it does,
so a prompt that forgets to name a key, or names it after the meaning has gone by, shows in the simulation as people who
wait and hang up. This module turns one spoken sentence into the keys on offer and their meaning, and recognises a
request for a number, a promise to ring back and a goodbye.

The parser is a listener, not a grammar: it finds the keys that are mentioned, gives each the words beside it, and names
the meaning of those words. Words before a key ("to be called back, press 1") and words after it ("press 1 for a
callback") are both understood, as is a list that says "press" once ("press 1 to talk, 2 for later").
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

LATIN_CHARACTERS_PER_S: Final = 15.0
CJK_CHARACTERS_PER_S: Final = 5.0


class Intent(Enum):
    """What pressing a key would bring about, in the listener's understanding."""

    CALLBACK = "callback"
    STAY = "stay"
    LATER = "later"
    SLOT = "a time"
    CONFIRM = "confirm"
    OTHER_NUMBER = "another number"
    TALK = "talk"
    NOT_NEEDED = "no longer needed"
    NOT_ASKED_FOR = "did not ask for this"
    ENGLISH = "English"
    CHINESE = "Chinese"
    REPEAT = "hear again"
    UNKNOWN = "?"


@dataclass(frozen=True)
class Option:
    """One key a voice has offered: the key, its meaning, and the second of the speech at which the listener knows."""

    key: str
    intent: Intent
    phrase: str
    known_after_s: float


@dataclass(frozen=True)
class _Mention:
    """A key named at `start` to `end` of one sentence."""

    start: int
    end: int
    key: str


_DIGIT_WORDS: Final = {
    **{word: str(i) for i, word in enumerate(re.findall(r"\w+", "zero one two three four five six seven eight nine"))},
    **{character: str(i) for i, character in enumerate("零一二三四五六七八九")},
    **dict.fromkeys(("pound", "hash", "#", "井", "＃"), "#"),
    **dict.fromkeys(("star", "asterisk", "*", "星", "＊"), "*"),
    **dict.fromkeys(("any", "任意"), "1"),
}
_KEY: Final = r"[0-9](?![0-9])|zero|one|two|three|four|five|six|seven|eight|nine|pound|hash|#|star|asterisk|\*"
_PRESS: Final = re.compile(
    rf"\b(?:press|push|hit|dial|touch|choose|select|enter)\s+(?:the\s+)?(?:key\s+|number\s+|digit\s+)?"
    rf"(?P<en>{_KEY}|any(?=\s+key))(?:\s+(?:key|button|sign))?(?:\s+now\b)?"
    r"|(?:请)?(?:按|拨)(?:一?下)?(?:数字)?键?\s*(?P<zh>[0-9０-９](?![0-9０-９])|[零一二三四五六七八九井星#＃*＊]|任意)"
    r"\s*(?:[号字]?键)?",
    re.IGNORECASE,
)
_ELIDED: Final = re.compile(
    rf"(?:,|\bor\b|\band\b)\s*(?:or\s+|and\s+)?(?P<en>{_KEY})(?=\s+(?:to|for|if)\b)"
    r"|[，、,]\s*(?:或者?)?(?P<zh>[0-9])\s*键?(?=[^\W\d_])(?![分点小时月日号个位年秒到至])",
    re.IGNORECASE,
)
_SENTENCE_END: Final = re.compile(r"(?<=[!?;。！？；\n])|(?<=\.)(?=\s|$)")
_FILLER: Final = re.compile(
    r"\b(?:please|or|and|just|simply|you can|you may|now|then)\b|[请您可以或者并就\W_]", re.IGNORECASE
)
_CJK: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")

_UNWANTED: Final = re.compile(
    r"(?:instead of|rather than|without|no need to|do not have to|don't have to)\s+"
    r"(?:\w+\s+){0,3}?(?:hold|wait|stay)\w*(?:\s+(?:on|in)\s+(?:the\s+)?(?:line|hold))?"
    r"|(?:不用|无需|无须|不必|不想|而不是)(?:继续|一直|在线|在电话上)*等[待候]?",
    re.IGNORECASE,
)


def _patterns(*meanings: tuple[Intent, str, str]) -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    """Each meaning with the words that give it away, English and Chinese."""
    return tuple((intent, re.compile(f"{english}|{chinese}", re.IGNORECASE)) for intent, english, chinese in meanings)


# The first of these whose words occur is the meaning ...
_CERTAIN: Final = _patterns(
    (
        Intent.NOT_ASKED_FOR,
        r"(?:did not|didn't|never) (?:ask|request)|wrong (?:number|person)",
        r"没有?(?:申请|要求|预约)|不是我|打错",
    ),
    (
        Intent.NOT_NEEDED,
        r"no longer|not needed|(?:don't|do not) need|cancel",
        r"不再需要|不需要|不用了|无需回电|取消|已经?解决",
    ),
    (
        Intent.OTHER_NUMBER,
        r"(?:another|different|other|new) (?:phone )?number|(?:change|correct) (?:the|your|this) (?:phone )?number",
        r"(?:其他|其它|别的|另外?一?个?|不同的|新的?|更换|更改|修改|换|改)[^，。]{0,4}号码?",
    ),
    (Intent.REPEAT, r"\bagain\b|\brepeat", r"重听|再听|重复"),
    (
        Intent.LATER,
        r"\blater\b|(?:another|different|other|better) time|(?:choose|pick|set|at) a time|schedul|not now",
        r"稍后|晚些|晚点|以后|改天|过会|待会|预约|(?:其他|其它|别的|另|换|改|选择?|约)[^，。]{0,3}时[间候段]",
    ),
    (Intent.ENGLISH, r"english", r"英[语文]"),
    (Intent.CHINESE, r"chinese|mandarin", r"中文|普通话|汉语|国语"),
    (
        Intent.CONFIRM,
        r"confirm|correct|(?:is|'s) right|\byes\b|(?:this|that|same) (?:phone )?number",
        r"确认|正确|没错|无误|是的|[这此该本]个?号码",
    ),
)
# ... and failing them, whichever of these is said first ("stay on the line rather than be called back").
_CLAIMS: Final = _patterns(
    (
        Intent.CALLBACK,
        r"call(?:ed|ing)?[\s-]*(?:(?:you|me|us) )?back|callback|us to call|call you|be called|ring (?:you|me) back",
        r"回电|回拨|回呼|打回|打给[您你我]|给[您你我](?:打|回)|致电|回[您你]电话",
    ),
    (Intent.STAY, r"\bstay|\bhold|\bwait|\bremain|\bcontinue|\bkeep waiting", r"等待|等候|在线等|继续|保持|不挂"),
    (
        Intent.TALK,
        r"\btalk|\bspeak|\bconnect|(?:take|answer) (?:the|this|your) call|\baccept|put (?:you|me) through|\bready\b",
        r"接听|通话|接通|接受|转接|连线|交谈|说话|对话|开始",
    ),
)
_TIME: Final = re.compile(
    r"\b(?:today|tomorrow|morning|afternoon|evening|tonight|noon|o'clock|[ap]\.?m\.?|hours?|minutes?|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b|今天|明天|后天|上午|下午|晚上|中午|点|小时|分钟|周[一二三四五六日]",
    re.IGNORECASE,
)
_ASKS_NUMBER: Final = re.compile(
    r"\b(?:enter|key in|type|dial|input)\b.*\bnumber|(?:输入|键入|拨入).*号码|号码.*(?:输入|键入)",
    re.IGNORECASE | re.DOTALL,
)
_HASH: Final = re.compile(r"\b(?:pound|hash)\b|#|＃|井[号字]?键?", re.IGNORECASE)
_GOODBYE: Final = re.compile(
    r"\bgood\s?-?bye\b|\bbye\b|you (?:may|can) (?:now )?hang up|再见|可以挂[机断]|请挂[机断]", re.IGNORECASE
)
_PROMISE: Final = re.compile(
    r"(?:we|agent|someone)(?:'ll| will) (?:call|ring|phone)|(?:you will|you'll) be called"
    r"|(?:我们)?(?:会|将)[^，。]{0,12}(?:回电|回拨|致电|打给|给您打|给您回)",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"https?://[!-~]*[\w/=&#~-]", re.ASCII)
_TRANSLATED_DIGITS: Final = str.maketrans("０１２３４５６７８９", "0123456789")


def spoken_seconds(text: str) -> float:
    """How long saying `text` takes, in simulated seconds: 15 letters or 5 CJK characters a second."""
    cjk = len(_CJK.findall(text))
    return cjk / CJK_CHARACTERS_PER_S + (len(text) - cjk) / LATIN_CHARACTERS_PER_S


def options(text: str, before: str = "") -> tuple[Option, ...]:
    """The keys `text` offers, in the order they are named; `before` is what was said just before it.

    A key with no words of its own ("Press 1.") takes its meaning from the sentence before.
    """
    found: list[Option] = []
    offset, context = 0, before
    for sentence in _SENTENCE_END.split(text):
        mentions = _mentions(sentence)
        phrases = _phrases(sentence, mentions) if mentions else []
        for mention, (phrase, last) in zip(mentions, phrases, strict=True):
            meaning = phrase if _has_words(phrase) else context
            known = spoken_seconds(text[: offset + max(last, mention.end)])
            found.append(Option(mention.key, intent_of(meaning), meaning.strip(), known))
        offset += len(sentence)
        context = _context(sentence, context)
    return tuple(found)


def intent_of(phrase: str) -> Intent:
    """The meaning of the words beside a key."""
    wanted = _UNWANTED.sub(" ", phrase)
    for intent, pattern in _CERTAIN:
        if pattern.search(wanted):
            return intent
    claims = [(match.start(), intent) for intent, pattern in _CLAIMS if (match := pattern.search(wanted))]
    if claims:
        return min(claims, key=lambda claim: claim[0])[1]
    return Intent.SLOT if _TIME.search(wanted) else Intent.UNKNOWN


def choose(offered: Iterable[Option], wishes: Sequence[Intent]) -> Option | None:
    """The offered option that comes first in `wishes`, or None when nothing wished for was offered."""
    by_intent: dict[Intent, Option] = {}
    for option in offered:
        by_intent.setdefault(option.intent, option)
    return next((by_intent[wish] for wish in wishes if wish in by_intent), None)


def asks_for_number(text: str) -> bool:
    """Whether `text` asks the listener to key a telephone number in now (and not which key would lead there)."""
    return any(
        _ASKS_NUMBER.search(sentence) and all(mention.key in "#*" for mention in _mentions(sentence))
        for sentence in _SENTENCE_END.split(text)
    )


def wants_hash(text: str) -> bool:
    """Whether `text` says that an entry ends with the pound (hash) key."""
    return _HASH.search(text) is not None


def is_goodbye(text: str) -> bool:
    """Whether the voice takes its leave. A sentence that still offers keys is no goodbye."""
    return _GOODBYE.search(text) is not None and not options(text)


def is_promise(text: str) -> bool:
    """Whether the voice promises to ring back, without a key still to be pressed for it."""
    return _PROMISE.search(text) is not None and not options(text)


def link_in(text: str) -> str | None:
    """The first web address in a text message."""
    match = _LINK.search(text)
    return match.group() if match else None


def _context(sentence: str, context: str) -> str:
    """What a bare "press 1" would refer to after `sentence`: the latest words that mean something."""
    means_something = intent_of(sentence) is not Intent.UNKNOWN
    return sentence if means_something or not _has_words(context) else context


def _mentions(sentence: str) -> list[_Mention]:
    """Every key named in one sentence; a bare digit counts only after a first "press"."""
    pressed = [_mention(match) for match in _PRESS.finditer(sentence)]
    if not pressed:
        return []
    elided = [
        _mention(match)
        for match in _ELIDED.finditer(sentence, pressed[0].end)
        if all(match.end() <= other.start or match.start() >= other.end for other in pressed)
    ]
    return sorted([*pressed, *elided], key=lambda mention: mention.start)


def _mention(match: re.Match[str]) -> _Mention:
    word = (match.group("en") or match.group("zh")).lower().translate(_TRANSLATED_DIGITS)
    return _Mention(match.start(), match.end(), _DIGIT_WORDS.get(word, word))


def _phrases(sentence: str, mentions: Sequence[_Mention]) -> list[tuple[str, int]]:
    """The words that belong to each key, with the index at which they end.

    The words stand before the keys or after them; the ends of the sentence tell which. A key whose side is bare takes
    the last clause of the other side.
    """
    edges = [0, *(edge for mention in mentions for edge in (mention.start, mention.end)), len(sentence)]
    gaps = [sentence[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
    ends = [edges[i + 1] for i in range(0, len(edges), 2)]
    after = _words_follow(gaps)
    phrases: list[tuple[str, int]] = []
    for i in range(len(mentions)):
        near, far = (i + 1, i) if after else (i, i + 1)
        if _has_words(gaps[near]):
            phrases.append((gaps[near], ends[near]))
        else:
            phrases.append((_last_clause(gaps[far]), ends[far]))
    return phrases


def _words_follow(gaps: Sequence[str]) -> bool:
    first, second, last = gaps[0], gaps[1], gaps[-1]
    if not _has_words(last):
        return not _has_words(first) and len(gaps) > 2
    return not _has_words(first) or re.match(r"\s*\w", second) is not None


def _last_clause(gap: str) -> str:
    clauses = [clause for clause in re.split(r"[,，、:：]", gap) if _has_words(clause)]
    return clauses[-1] if clauses else gap


def _has_words(gap: str) -> bool:
    return _FILLER.sub("", gap) != ""
