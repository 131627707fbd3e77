"""From an invitation to signing in with two steps, in a real browser."""

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import be_signed_in
from tests.support.web_house import WebHouse

SUE, NEW_PASSWORD = "sue@example.com", "violet kettle 9 moss"


def test_somebody_is_invited_sets_a_password_and_two_steps_and_signs_in(
    web: WebHouse, page: Page, browser: Browser
) -> None:
    base = web.options.public_base_url
    be_signed_in(web, page, "admin")
    page.goto(f"{base}/admin/users")
    page.get_by_label("Email").fill(SUE)
    page.get_by_label("Role").select_option("supervisor")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    link = page.get_by_label("Link").input_value()
    sue = browser.new_context().new_page()
    sue.goto(link)
    expect(sue.get_by_label("Email")).to_have_value(SUE)
    sue.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    sue.get_by_label("The same again").fill(NEW_PASSWORD)
    sue.get_by_role("button", name="Set the password").click()
    expect(sue.get_by_text("Your password is set.")).to_be_visible()
    first_step(sue)
    expect(sue.get_by_role("heading", name="Queues")).to_be_visible()
    secret = two_steps_on(sue, base, web)
    sue.locator("details.account summary").click()
    sue.get_by_role("button", name="Sign out", exact=True).click()
    first_step(sue)
    expect(sue.get_by_role("heading", name="Your code")).to_be_visible()
    web.wait(30)
    sue.get_by_label("Code").fill(pyotp.TOTP(secret).at(web.clock.now()))
    sue.get_by_role("button", name="Sign in").click()
    expect(sue.get_by_role("heading", name="Queues")).to_be_visible()
    sue.context.close()


def first_step(sue: Page) -> None:
    sue.get_by_label("Email").fill(SUE)
    sue.get_by_label("Password").fill(NEW_PASSWORD)
    sue.get_by_role("button", name="Sign in").click()


def two_steps_on(sue: Page, base: str, web: WebHouse) -> str:
    sue.goto(f"{base}/account/two-step")
    sue.get_by_label("Your present password").fill(NEW_PASSWORD)
    sue.get_by_role("button", name="Go on").click()
    expect(sue.get_by_role("img", name="The code to scan")).to_be_visible()
    sue.get_by_text("Or type it in by hand").click()
    secret = sue.get_by_label("Secret").input_value().replace(" ", "")
    sue.get_by_label("Code", exact=True).fill("000000")
    sue.get_by_role("button", name="Turn on").click()
    expect(sue.get_by_label("Code", exact=True)).to_have_attribute("aria-invalid", "true")
    sue.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(web.clock.now()))
    sue.get_by_role("button", name="Turn on").click()
    expect(sue.locator("#codes li")).to_have_count(10)
    return secret
