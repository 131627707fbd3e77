"""The tests' own browser: what every test of a page stands on."""

from playwright.sync_api import Page


def test_the_browser_runs_scripts_and_draws_chinese(page: Page) -> None:
    page.set_content("<title>队列</title><p id=p>回拨</p><script>document.title += document.fonts.size</script>")
    assert page.title() == "队列0"
    assert page.locator("#p").inner_text() == "回拨"
