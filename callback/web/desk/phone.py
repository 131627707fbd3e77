"""Where an agent's calls ring: a telephone of their own, or one in the page, for which it needs a token."""

from enum import StrEnum
from typing import Any

from callback.adapters.telephony.softphone import access_token
from callback.domain.callback import Agent
from callback.web import armour
from callback.web.context import house, options

CLIENT = "client:"
CARRIER = (
    "https://eventgw.twilio.com",
    "wss://voice-js.roaming.twilio.com",
    "https://media.twiliocdn.com",
    "https://sdk.twilio.com",
)
"""What the carrier's library talks with, as its documentation lists it."""
SOUNDS = ("mediastream:", "https://media.twiliocdn.com", "https://sdk.twilio.com")


class Phone(StrEnum):
    """Which telephone an agent has."""

    OWN = "own"
    PAGE = "page"  # by the carrier's library
    STAND_IN = "stand_in"  # by the emulated carrier, which has no sound
    NONE = "none"  # the page was meant, and no key is set


def of(agent: Agent) -> Phone:
    """What rings for this agent."""
    if not agent.contact.startswith(CLIENT):
        return Phone.OWN
    if options().desk.key is None:
        return Phone.NONE
    return Phone.STAND_IN if options().desk.stand_in else Phone.PAGE


def open_doors(phone: Phone) -> None:
    """Lets the page of this answer reach what its telephone needs, and nothing else."""
    if phone is Phone.PAGE:
        armour.allow(connect=CARRIER, media=SOUNDS, microphone=True)
    elif phone is Phone.STAND_IN:
        armour.allow(connect=(options().desk.stand_in,))


def token(agent: Agent) -> dict[str, Any] | None:
    """What the page registers with; None where there is no telephone in it."""
    key, phone = options().desk.key, of(agent)
    if key is None or phone not in (Phone.PAGE, Phone.STAND_IN):
        return None
    identity = agent.contact.removeprefix(CLIENT)
    made = access_token(key, identity, house().clock.now())
    return {"kind": phone, "identity": identity, "token": made, "at": options().desk.stand_in}
