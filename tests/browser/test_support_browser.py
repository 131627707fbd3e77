"""The tests' own browser: what every test of a page stands on."""

from playwright.sync_api import Page


def test_the_browser_runs_scripts_and_draws_chinese(page: Page) -> None:
    page.set_content("<title>队列</title><p id=p>回拨</p><script>document.title += document.fonts.size</script>")
    assert page.title() == "队列0"
    assert page.locator("#p").inner_text() == "回拨"


def test_what_playwright_switches_off_in_the_browser_is_off(page: Page) -> None:
    page.goto("chrome://version")
    told = page.locator("#command_line").inner_text().split(" --")
    off = [set(one.partition("=")[2].split(",")) for one in told if one.startswith("disable-features=")]
    assert len(off) == 2, told
    assert off[0] < off[1], "the last of these flags is the one that counts"
