"""What was set aside, in a real browser: seen on every page, tried again with one button, given up with two."""

from playwright.sync_api import Page, expect

from callback.domain.callback import Callback
from callback.domain.ids import EntryId, QueueKey
from callback.domain.lifecycle import State
from tests.browser.conftest import be_signed_in, sign_in
from tests.support.web_house import WebHouse

ADA, BOB = "+12015550123", "+12015550124"


def two(web: WebHouse) -> tuple[Callback, Callback]:
    """Ada before Bob."""
    ada = web.promise(ADA)
    web.wait(1)
    return ada, web.promise(BOB)


def hold(web: WebHouse, subject: str, kind: str = "callback") -> None:
    """It failed three times, and stands in no line."""
    web.line.leave(EntryId(subject), reason="held", now=web.clock.now())
    with web.store.begin() as work:
        for _ in range(3):
            work.note_failure(
                kind, subject, queue="support", step="dialling", reason="RuntimeError: a defect over …",
                at=web.clock.now(), hold_at=3,
            )  # fmt: skip


def test_it_is_tried_again_from_its_old_place_with_one_button(web: WebHouse, page: Page) -> None:
    ada, bob = two(web)
    hold(web, ada.id)
    sign_in(web, page)
    page.get_by_role("link", name="Set aside 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set aside")
    card = page.get_by_role("article").filter(has_text="0123")
    expect(card).to_contain_text("3 times")
    card.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status").filter(has_text="It is tried again.")).to_be_visible()
    expect(page.get_by_text("Nothing is set aside.")).to_be_visible()
    assert [str(one.entry) for one in web.line.listing(QueueKey("support"))] == [ada.id, bob.id]


def test_it_is_given_up_only_after_a_second_look(web: WebHouse, page: Page) -> None:
    ada = web.promise(ADA)
    hold(web, ada.id)
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/trouble")
    page.get_by_text("Give up…").focus()
    expect(page.get_by_role("button", name="Give it up")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("the caller is told so by text")).to_be_visible()
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_text("It was given up.")).to_be_visible()
    with web.store.begin() as work:
        assert work.callback(ada.id).state is State.CANCELLED


def test_buttons_are_large_enough_and_the_page_fits_its_window(web: WebHouse, page: Page) -> None:
    hold(web, web.promise(ADA).id)
    hold(web, "CA" + "1" * 32, "call")
    be_signed_in(web, page)
    page.goto(f"{web.options.public_base_url}/admin/trouble")
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for button in page.locator("main button:visible, main summary").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["width"] >= 44
