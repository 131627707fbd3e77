"""Own wordings, from the form to the document that the carrier gets."""

import re
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from callback.adapters.telephony import twiml
from callback.domain.acts import What
from callback.domain.wording import HOUSE, LONGEST, Own, in_force
from callback.flows import configure, prompts, rebuild, scenes
from callback.flows.hook import Hook
from callback.flows.text import compose
from callback.web import voice
from callback.web.admin.heard import on_stage
from callback.web.admin.moments import MOMENTS, is_text
from tests.support.web_house import OWN, WebHouse, form_token, send, signed_in

SCHEMA = Path(__file__).parents[2].parent / "shared" / "twilio" / "twiml_v20100401_twilioRealtimeCallSchema.xsd"
GREETING = "Thank you for calling {queue}."


def wording(
    web: WebHouse, sentence: str = "welcome", *, queue: str = HOUSE, base: int = 0, **texts: str
) -> dict[str, Any]:
    """The form of a sentence as it is, with these texts."""
    filled = {}
    for language in ("en", "zh"):
        with web.store.look() as work:
            forms = prompts.inherited(web.house, work, queue, sentence, language)
        filled |= {f"{language}{at}": text for at, text in enumerate(forms)}
    return {**filled, "queue": queue, "base": base, **texts}


def rings(web: WebHouse, number: str = OWN) -> str:
    """What a caller from abroad hears first of all."""
    hook = Hook({"CallSid": "CA" + "1" * 32, "From": "+12015550177", "To": number, "Direction": "inbound"})
    return voice.document(web.house, "incoming", hook)


def test_what_is_saved_is_said_by_the_next_webhook_and_a_queues_own_goes_before_the_houses(web: WebHouse) -> None:
    web.queue("sales", "Sales", ("+12015550102",))
    client = signed_in(web)
    saved = send(client, "/admin/prompts/welcome", **wording(web, en0="Hello, this is {queue}."))
    assert saved.status_code == 303
    assert "Hello, this is Support." in rings(web)
    assert "Hello, this is Sales." in rings(web, "+12015550102")
    send(client, "/admin/prompts/welcome", **wording(web, queue="sales", en0="Sales at {queue}!"))
    assert "Sales at Sales!" in rings(web, "+12015550102")
    assert "Hello, this is Support." in rings(web)
    listed = client.get("/admin/prompts?queue=sales&show=own").get_data(as_text=True)
    assert "Sales at" in listed
    assert listed.count('<th scope="row">') == 1


def test_the_built_in_wording_comes_back_and_so_does_an_earlier_version(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, "/admin/prompts/welcome", **wording(web, en0="One: {queue}"))
    send(client, "/admin/prompts/welcome", **wording(web, base=1, en0="Two: {queue}"))
    send(client, "/admin/prompts/welcome/revert/1")
    assert "One: Support" in rings(web)
    assert send(client, "/admin/prompts/welcome/revert/0").status_code == 303
    assert "Thank you for calling Support." in rings(web)
    assert send(client, "/admin/prompts/welcome/revert/9").status_code == 404
    with web.store.look() as work:
        known = work.wording_versions(HOUSE, "welcome")
        acts = [act for act in work.acts() if act.subject == "welcome"]
    assert [one.version for one in known] == [4, 3, 2, 1]
    assert [act.what for act in acts] == [What.PROMPT_REVERT] * 2 + [What.PROMPT_SAVE] * 2
    assert (acts[2].before, acts[2].after) == (
        {"version": 1, "en": "One: {queue}"},
        {"version": 2, "en": "Two: {queue}"},
    )
    assert acts[2].by == "supervisor@example.com"
    page = client.get("/admin/prompts/welcome").get_data(as_text=True)
    assert "no own wording" in page
    assert "Two: {queue}" in page


def test_markup_stays_text(web: WebHouse) -> None:
    said = '<Dial>+19005550100</Dial> & "{queue}" ]]> 100 %'
    assert send(signed_in(web), "/admin/prompts/welcome", **wording(web, en0=said)).status_code == 303
    document = rings(web)
    assert "<Dial" not in document
    assert '&lt;Dial&gt;+19005550100&lt;/Dial&gt; &amp; "Support" ]]&gt; 100 %' in document


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello.", "{queue} is missing"),
        ("{queue} {name}", "{name} is not known here"),
        ("{queue} }", "A brace { or } stands alone"),
        ("{queue} \x07", "cannot be said (U+0007)"),
        ("{queue}" + "x" * LONGEST, "At most 500 fit"),
    ],
)
def test_what_cannot_be_said_is_not_saved_and_says_how_to_mend_it(web: WebHouse, text: str, told: str) -> None:
    client = signed_in(web)
    refused = send(client, "/admin/prompts/welcome", **wording(web, en0=text))
    assert refused.status_code == 422
    assert told in refused.get_data(as_text=True)
    tried = client.post(
        "/admin/prompts/welcome/heard",
        data={"csrf_token": form_token(client.get("/admin")), **wording(web, en0=text)},
        headers={"HX-Request": "true"},
    )
    assert told in tried.get_data(as_text=True)
    with web.store.look() as work:
        assert work.wordings() == []


def test_of_two_who_save_at_once_nobody_loses_anything(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, "/admin/prompts/welcome", **wording(web, en0="Theirs: {queue}"))
    mine = send(client, "/admin/prompts/welcome", **wording(web, base=0, en0="Mine: {queue}"))
    assert mine.status_code == 409
    assert {"Theirs: {queue}", "Mine: {queue}"} <= set(
        re.findall(r"(?:Theirs|Mine): \{queue\}", mine.get_data(as_text=True))
    )
    assert send(client, "/admin/prompts/welcome", **wording(web, base=0, zh0="您好，{queue}。")).status_code == 303
    with web.store.look() as work:
        assert work.wordings()[0].texts == {"en": ("Theirs: {queue}",), "zh": ("您好，{queue}。",)}


def test_a_text_that_the_page_lacks_stays_as_it_is(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, "/admin/prompts/welcome", **wording(web, en0="Hello {queue}", zh0="您好，{queue}。"))
    send(client, "/admin/prompts/welcome", queue=HOUSE, base=1, en0="Welcome to {queue}")
    with web.store.look() as work:
        assert work.wordings()[0].texts == {"en": ("Welcome to {queue}",), "zh": ("您好，{queue}。",)}


def test_a_wording_like_the_one_without_it_is_none_and_saving_nothing_writes_nothing(web: WebHouse) -> None:
    client = signed_in(web)
    assert send(client, "/admin/prompts/welcome", **wording(web)).status_code == 303
    send(client, "/admin/prompts/welcome", **wording(web, en0="Hello {queue}"))
    send(client, "/admin/prompts/welcome", **wording(web, base=1, en0=GREETING))
    with web.store.look() as work:
        assert [dict(one.texts) for one in work.wording_versions(HOUSE, "welcome")] == [{}, {"en": ("Hello {queue}",)}]


def test_a_lost_line_is_told_again_and_while_it_is_lost_the_words_are_the_same(web: WebHouse) -> None:
    send(signed_in(web), "/admin/prompts/welcome", **wording(web, en0="Still {queue}"))
    web.client.flushall()
    web.wait(5)
    assert "Still Support" in rings(web)
    rebuild.rebuild_if_lost(web.house)
    assert [own.forms for own in web.line.wording()] == [("Still {queue}",)]
    web.line.configure(*configure.saved(web.house)[:2])  # as a version that knows nothing of wordings leaves it
    assert web.line.wording() == []
    assert configure.publish_if_changed(web.house)
    assert not configure.publish_if_changed(web.house)
    assert [own.sentence for own in web.line.wording()] == ["welcome"]
    assert "Still Support" in rings(web)


def test_texts_are_worded_as_well_and_an_answer_says_where_the_callback_is(web: WebHouse) -> None:
    callback = web.promise(language="en")
    send(signed_in(web), "/admin/prompts/text_nearly", **wording(web, "text_nearly", en0="Soon! {queue} {url}"))
    web.wait(3)  # a worker looks for news after two seconds
    with web.store.begin() as work:
        queue, now = web.house.book.queue(callback.queue), web.clock.now()
        nearly = compose(work, web.house, queue, callback, "nearly", now)
        status = compose(work, web.house, queue, callback, "status", now)
    assert nearly is not None
    assert nearly.body.startswith("Soon! Support http")
    assert status is not None
    assert status.body.startswith("Your callback is booked. We will call you as soon as it is your turn.")


def test_it_is_heard_as_the_carrier_would_get_it_before_it_is_saved(web: WebHouse) -> None:
    client = signed_in(web)
    tried = send(client, "/admin/prompts/welcome/heard", **wording(web, en0="Tried <b> {queue}", zh0="试试{queue}"))
    page = tried.get_data(as_text=True)
    assert tried.status_code == 200
    assert 'value="0"' in page
    assert "Tried &amp;lt;b&amp;gt; Support" in page  # in the listing, escaped as the carrier gets it, and once more
    assert "Polly.Joanna" in page
    assert 'data-say="cmn-CN"' in page
    assert "Thank you for calling Support." in rings(web)
    text = send(client, "/admin/prompts/text_nearly/heard", **wording(web, "text_nearly")).get_data(as_text=True)
    assert "160 fit into one part" in text
    assert "70 fit into one part" in text


def test_who_only_looks_has_no_business_here_and_what_is_not_there_is_not_found(web: WebHouse) -> None:
    assert signed_in(web, "viewer").get("/admin/prompts").status_code == 403
    client = signed_in(web)
    assert client.get("/admin/prompts/nothing").status_code == 404
    assert client.get("/admin/prompts/welcome?queue=none").status_code == 404
    assert client.get("/admin/prompts/no_such/revert/1").status_code in (404, 405)
    assert client.get("/admin/prompts?queue=none").status_code == 404


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    """The carrier's own, as it published it."""
    return xmlschema.XMLSchema(str(SCHEMA))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_moment_is_a_document_that_the_carrier_takes_with_any_wording(
    web: WebHouse, schema: xmlschema.XMLSchema, language: str
) -> None:
    long = [
        Own(
            HOUSE,
            one,
            language,
            tuple((form + "&<" * LONGEST)[:LONGEST] for form in web.house.words.built_in(one, language)),
        )
        for one in MOMENTS
    ]
    stage = on_stage(web.house.book.find("support", OWN), web.clock.now(), "Asia/Shanghai")  # type: ignore[arg-type]
    for sentence in (one for one in MOMENTS if not is_text(one)):
        script = scenes.scene(sentence, stage)
        assert script is not None
        for own in ([], long):
            document = twiml.render(script, web.house.urls, wording=in_force(own)[HOUSE])
            assert [str(error.reason) for error in schema.iter_errors(document)] == [], document
            assert max(map(len, re.findall(r"<Say[^>]*>([^<]*)<", document))) > 0
