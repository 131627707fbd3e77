"""The macros that pages are made of: labelled, described, and safe with whatever people are called."""

import pytest
from flask import render_template_string

from callback.web.figures import Figure, Kind, Series, Unit
from tests.support.web_house import WebHouse

EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """An application."""
    return bare_web


def drawn(web: WebHouse, source: str, **values: object) -> str:
    with web.app.test_request_context("/?lang=en"):
        return " ".join(render_template_string(source, **values).split())


FORMS = '{% from "parts/forms.html" import field, switch, search with context %}'
PAGE = (
    '{% from "parts/page.html" import crumbs, head, tabs, segmented, empty, pager, note, confirm, steps with context %}'
)
FIGURES = '{% from "parts/figures.html" import tile, meter, chart with context %}'


def test_a_field_has_a_label_and_its_help_and_mistake_are_tied_to_it(web: WebHouse) -> None:
    html = drawn(
        web, FORMS + '{{ field("age", "Age", evil, help="Years", unit="y", mistake="Not a number") }}', evil=EVIL
    )
    assert '<label for="age">Age</label>' in html
    assert 'aria-describedby="age-help" aria-invalid="true"' in html
    assert '<small id="age-help"><strong class="wrong">Not a number</strong> Years</small>' in html
    assert "<script>" not in html


def test_a_choice_marks_what_is_chosen(web: WebHouse) -> None:
    html = drawn(web, FORMS + '{{ field("n", "N", 2, choices=[(1, "one"), (2, "two")]) }}')
    assert '<option value="2" selected>two</option>' in html
    assert "aria-describedby" not in html


def test_a_switch_and_a_search_have_labels_too(web: WebHouse) -> None:
    html = drawn(web, FORMS + '{{ switch("on", "On", true, "Really") }}{{ search("/x", "old") }}')
    assert 'role="switch" name="on" value="on" checked aria-describedby="on-help"' in html
    assert '<search><form class="toolbar" method="get" action="/x">' in html
    assert '<label for="q">Search</label>' in html


def test_the_head_tabs_and_crumbs_say_where_one_is(web: WebHouse) -> None:
    html = drawn(
        web,
        PAGE
        + """{{ crumbs([("Queues", "/admin"), ("Support", "")]) }}{% call head("T", "lead") %}<b>x</b>{% endcall %}
        {{ tabs("Queue", [("a", "A", "/a"), ("b", "B", "/b")], "b") }}{{ segmented("Days", [(1, "1", "/1")], 1) }}""",
    )
    assert '<span aria-current="page">Support</span>' in html
    assert '<a href="/b" aria-current="page">B</a>' in html
    assert '<div class="row"><b>x</b></div>' in html


def test_lists_turn_their_pages_and_say_when_they_are_empty(web: WebHouse) -> None:
    html = drawn(
        web, PAGE + '{{ pager("", "/2", "1–50") }}{% call empty("None", "yet") %}<a href="/new">Add</a>{% endcall %}'
    )
    assert 'rel="next" href="/2"' in html
    assert 'rel="prev"' not in html
    assert '<a href="/new">Add</a></section>' in html
    assert "nav" not in drawn(web, PAGE + "{{ pager() }}")


def test_a_confirmation_is_a_form_with_its_proof_that_needs_no_script(web: WebHouse) -> None:
    html = drawn(
        web, PAGE + '{{ confirm("Remove…", "Sure?", "/remove", "Remove it") }}{{ note("Hm", "warn", "status") }}'
    )
    assert '<details class="confirm">' in html
    assert 'name="csrf_token"' in html
    assert '<button class="danger fit">Remove it</button>' in html
    assert '<div class="note warn" role="status">' in html


def test_steps_tell_past_and_present(web: WebHouse) -> None:
    html = drawn(web, PAGE + '{{ steps(["One", "Two", "Three"], 1) }}')
    assert html.count("done:") == 1
    assert '<li aria-current="step">Two</li>' in html


def test_a_chart_is_data_that_breaks_out_of_nothing_and_a_table(web: WebHouse) -> None:
    figure = Figure(
        f"Waits {EVIL}", ["09:00", "</script>"], [Series(EVIL, [60.0, None], Kind.BARS)], Unit.SECONDS, about="By hour"
    )
    html = drawn(
        web, FIGURES + '{{ chart(figure) }}{{ tile("T", 3, "of 4", "over") }}{{ meter(1.7, "full") }}', figure=figure
    )
    assert html.count("</script>") == 1, "its own end alone"
    assert "<script>" not in html
    assert ">1:00</td>" in html
    assert '<div class="tile over"><dt>T</dt><dd class="number">3</dd><dd class="limit">of 4</dd></div>' in html
    assert 'width="100.0%"' in html
