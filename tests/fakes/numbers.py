"""The account's numbers in memory, and an address that answers or does not."""

from dataclasses import dataclass, field, replace

from callback.domain.numbers import OwnNumber, Webhooks
from callback.ports import CarrierError


@dataclass
class FakeNumbers:
    """`ports.Numbers`. `away` is what every question fails with."""

    owned: dict[str, OwnNumber] = field(default_factory=dict)
    away: CarrierError | None = None

    def own(self, *numbers: str, voice_url: str = "", bypassed: str = "") -> None:
        """Numbers of the account whose calls go to `voice_url`."""
        for number in numbers:
            self.owned[number] = OwnNumber(f"PN{number}", number, Webhooks(voice_url=voice_url), bypassed)

    def all(self) -> list[OwnNumber]:
        self._reach()
        return [self.owned[number] for number in sorted(self.owned)]

    def find(self, number: str) -> OwnNumber | None:
        self._reach()
        return self.owned.get(number)

    def point(self, number: OwnNumber, webhooks: Webhooks) -> OwnNumber:
        self._reach()
        self.owned[number.number] = replace(number, webhooks=webhooks, bypassed="")
        return self.owned[number.number]

    def _reach(self) -> None:
        if self.away is not None:
            raise self.away


@dataclass
class FakeOutside:
    """`ports.Outside`. `wrong` is what is wrong with every address, None for nothing."""

    wrong: str | None = None

    def answers(self, base_url: str) -> str | None:
        """The same of each."""
        assert base_url
        return self.wrong
