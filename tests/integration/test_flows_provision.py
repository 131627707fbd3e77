"""What the audit log keeps of where a number led before it was pointed here."""

import json
from dataclasses import asdict, replace

from callback.domain.acts import Doer, What
from callback.domain.ids import QueueKey
from callback.domain.numbers import Webhooks, bare
from callback.flows import provision
from tests.support.web_house import WebHouse

NUMBER = "+12025550101"
SECRETS = Webhooks(
    voice_url="https://ann:hunter2@old.example:8443/voice?key=s3cret#part",
    voice_fallback_url="https://old.example/f?token=s3cret",
    status_callback="https://[old.example/hunter2",
)


def test_credentials_in_the_old_addresses_of_a_number_do_not_reach_the_audit_log(web: WebHouse) -> None:
    web.numbers.own(NUMBER)
    web.numbers.owned[NUMBER] = replace(web.numbers.owned[NUMBER], webhooks=SECRETS)
    way = provision.look_up(web.house, NUMBER, QueueKey("support"))
    pointed = provision.point(web.house, way, Doer("ann@example.com", "admin"))
    assert pointed.webhooks == way.wanted
    with web.store.look() as work:
        (act,) = work.acts(what=What.NUMBER_POINT)
    kept = json.dumps(asdict(act), default=str)
    assert "hunter2" not in kept
    assert "s3cret" not in kept
    assert (act.before or {})["voice_url"] == "https://old.example:8443/voice"
    assert (act.after or {})["voice_url"] == "http://localhost/voice/incoming"


def test_an_address_that_is_nowhere_or_unreadable_is_kept_as_that() -> None:
    assert bare(SECRETS) == {
        "voice_url": "https://old.example:8443/voice",
        "voice_fallback_url": "https://old.example/f",
        "status_callback": "unreadable",
        "sms_url": "",
    }
