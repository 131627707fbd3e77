"""What a caller or an agent hears next, as a value: flows return a `Script`, the telephony adapter renders TwiML.

A `Prompt` names a sentence of the catalogue and its parameters; it is worded in the listener's language at the edge, so
that no flow holds a sentence. A `Step` names the document that comes next; the web turns it into a URL with a fresh
nonce, so that a repeated request of one document has no second effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Prompt:
    """One sentence of the voice catalogue: its id and the values in it (numbers, digit strings, names, texts)."""

    id: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """The next document: a path below `/voice/` and its query."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Speak:
    """Say these sentences, one after the other."""

    prompts: tuple[Prompt, ...]


@dataclass(frozen=True)
class Silence:
    """Say nothing for `seconds`."""

    seconds: int


@dataclass(frozen=True)
class Music:
    """Hold music, about `seconds` of it."""

    seconds: int


@dataclass(frozen=True)
class Ask:
    """Say the prompts and take keys meanwhile. Silence goes to the action as well, with no digits.

    `digits` ends the input after so many keys; None lets `#` end it. `timeout` is the silence, in seconds, that ends
    it. `music_s` plays that much hold music inside, so that a key works while music plays.
    """

    prompts: tuple[Prompt, ...]
    action: Step
    digits: int | None = 1
    timeout: int = 5
    music_s: int = 0


@dataclass(frozen=True)
class Hold:
    """Put the leg into the carrier's queue `name`; `wait` is what it hears there, `left` is asked once it leaves."""

    name: str
    wait: Step
    left: Step


@dataclass(frozen=True)
class LeaveQueue:
    """Leave the carrier's queue: the `left` step of the `Hold` is asked next."""


@dataclass(frozen=True)
class Connect:
    """Ring the agent and bridge once the agent's key is pressed. `contact` is "+1…", "sip:…" or "client:…"."""

    contact: str
    whisper: Step
    status: Step
    after: Step
    timeout: int
    caller_id: str


@dataclass(frozen=True)
class Meet:
    """Join the conference `room`, which begins with the second who joins (`begun` is told, if given) and ends as soon
    as somebody leaves whose leaving `ends` it. `after` is asked then."""

    room: str
    after: Step
    begun: Step | None
    role: Literal["agent", "customer", "other"]
    ends: bool = True


@dataclass(frozen=True)
class Forward:
    """Ring `number` and talk with whoever picks up. `after` is asked when that is over, or came to nothing;
    `picked_up`, if given, on their leg before they talk."""

    number: str
    after: Step
    timeout: int
    caller_id: str
    picked_up: Step | None = None


@dataclass(frozen=True)
class Goto:
    """Fetch another document."""

    step: Step


@dataclass(frozen=True)
class HangUp:
    """End the leg."""


@dataclass(frozen=True)
class Reject:
    """Refuse the call without answering it."""


Verb = Speak | Silence | Music | Ask | Hold | LeaveQueue | Connect | Meet | Forward | Goto | HangUp | Reject


@dataclass(frozen=True)
class Script:
    """What to do on one leg, in order, in one language (`en` or `zh`). Empty: go on (bridge, after a whisper). `queue`
    is whose wording is heard, "" the house's."""

    language: str
    verbs: tuple[Verb, ...] = ()
    queue: str = ""
