"""A number of the account is pointed here, at a carrier that answers as the real one does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.adapters.store import migrate
from callback.adapters.telephony.numbers import OwnNumbers
from callback.domain.numbers import webhooks_for
from callback.ports import CarrierStopped
from tests.support.command_line import CommandLine
from tests.support.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, running_emulator

BASE = "https://calls.example.com"
NUMBER, OTHER, LONGER = "+12025550100", "+12025550101", "+120255501001"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    with running_emulator("--voice-url", "https://elsewhere.example/voice", numbers=(NUMBER, OTHER, LONGER)) as running:
        yield running


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "empty.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def line(tmp_path: Path, redis_url: str, migrated: Path, carrier: Emulator) -> CommandLine:
    record = tmp_path / "callback.sqlite3"
    shutil.copy(migrated, record)
    line = CommandLine(
        tmp_path,
        REDIS_URL=redis_url,
        DATABASE_URL=f"sqlite:///{record}",
        PUBLIC_BASE_URL=BASE,
        TWILIO_ACCOUNT_SID=ACCOUNT_SID,
        TWILIO_AUTH_TOKEN=AUTH_TOKEN,
        TWILIO_API_BASE_URL=carrier.url,
    )
    line.ok("queue", "add", "support", "--name", "Support")
    return line


def numbers_of(line: CommandLine, key: str = "support") -> list[str]:
    found: list[str] = next(item["numbers"] for item in line.data("queue", "list")["items"] if item["key"] == key)
    return found


def test_a_rehearsal_shows_before_and_after_and_changes_nothing(line: CommandLine, carrier: Emulator) -> None:
    shown = line.data("twilio", "provision", "--number", OTHER, "--queue", "support", "--dry-run")
    assert shown["dry_run"] is True
    assert shown["before"]["voice_url"] == "https://elsewhere.example/voice"
    assert shown["after"]["voice_url"] == f"{BASE}/voice/incoming?queue=support"
    assert numbers_of(line) == []
    assert carrier.client().incoming_phone_numbers.list(phone_number=OTHER)[0].voice_url == shown["before"]["voice_url"]
    text = line.ok("twilio", "provision", "--number", OTHER, "--queue", "support", "--dry-run")
    assert "- voice_url            https://elsewhere.example/voice" in text
    assert f"+ voice_url            {BASE}/voice/incoming?queue=support" in text


def test_a_number_leads_here_for_calls_texts_ends_and_failures_and_belongs_to_the_queue(
    line: CommandLine, carrier: Emulator
) -> None:
    shown = line.data("twilio", "provision", "--number", "+1 (202) 555-0100", "--queue", "support")
    assert (shown["number"], shown["queue"], shown["dry_run"]) == (NUMBER, "support", False)
    found = carrier.client().incoming_phone_numbers.list(phone_number=NUMBER)[0]
    assert found.voice_url == f"{BASE}/voice/incoming?queue=support"
    assert found.voice_fallback_url == f"{BASE}/voice/fallback?queue=support"
    assert found.status_callback == f"{BASE}/voice/inbound/status?queue=support"
    assert found.sms_url == f"{BASE}/sms/incoming"
    assert {found.voice_method, found.voice_fallback_method, found.status_callback_method, found.sms_method} == {"POST"}
    assert numbers_of(line) == [NUMBER]
    again = line.data("twilio", "provision", "--number", NUMBER, "--queue", "support")
    assert again["before"] == again["after"]
    assert numbers_of(line) == [NUMBER]


def test_a_number_that_only_contains_ours_is_not_taken_for_it(carrier: Emulator) -> None:
    numbers = OwnNumbers(ACCOUNT_SID, AUTH_TOKEN, carrier.url)
    found = numbers.find(NUMBER)
    assert found is not None
    assert (found.number, found.bypassed) == (NUMBER, "")
    assert sorted(one.number for one in numbers.all()) == [NUMBER, LONGER, OTHER]
    assert numbers.find("+12025550999") is None
    numbers.close()


def test_keys_are_written_as_urls_want_them() -> None:
    assert webhooks_for("https://a.example/", "a.b-c").voice_url == "https://a.example/voice/incoming?queue=a.b-c"


def test_a_number_of_somebody_else_is_refused(line: CommandLine) -> None:
    said = line.refused("twilio", "provision", "--number", "+12025550199", "--queue", "support")
    assert "no number of this account" in said


def test_a_number_that_is_none_is_refused(line: CommandLine) -> None:
    assert "number:" in line.refused("twilio", "provision", "--number", "12", "--queue", "support")


def test_a_queue_that_does_not_exist_is_refused_before_the_carrier_is_asked(
    line: CommandLine, carrier: Emulator
) -> None:
    before = len(carrier.ledger())
    assert "there is no queue nowhere" in line.refused("twilio", "provision", "--number", OTHER, "--queue", "nowhere")
    assert len(carrier.ledger()) == before


def test_a_number_of_another_queue_stays_where_it_leads(line: CommandLine, carrier: Emulator) -> None:
    line.ok("queue", "add", "billing", "--number", OTHER)
    said = line.refused("twilio", "provision", "--number", OTHER, "--queue", "support")
    assert "leads to another queue" in said
    found = carrier.client().incoming_phone_numbers.list(phone_number=OTHER)[0]
    assert found.voice_url == "https://elsewhere.example/voice"


def test_wrong_credentials_are_explained_without_being_shown(line: CommandLine, carrier: Emulator) -> None:
    said = line.refused("twilio", "provision", "--number", NUMBER, "--queue", "support", TWILIO_AUTH_TOKEN="not-it")
    assert "20003" in said
    assert "Auth Token" in said
    assert "not-it" not in said
    numbers = OwnNumbers(ACCOUNT_SID, "not-it", carrier.url)
    with pytest.raises(CarrierStopped):
        numbers.all()
    numbers.close()


def test_without_an_account_there_is_nothing_to_provision(tmp_path: Path) -> None:
    said = CommandLine(tmp_path).refused("twilio", "provision", "--number", NUMBER, "--queue", "support")
    assert "TWILIO_ACCOUNT_SID" in said


def test_the_real_carrier_is_not_pointed_at_this_machine(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, TWILIO_ACCOUNT_SID=ACCOUNT_SID, TWILIO_AUTH_TOKEN=AUTH_TOKEN)
    said = line.refused("twilio", "provision", "--number", NUMBER, "--queue", "support")
    assert "which the carrier cannot reach" in said
