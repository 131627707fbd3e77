"""The desk in a real browser: keys, two tabs of which one holds the phone, and a connection that comes and goes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from callback.adapters.telephony.softphone import ApiKey
from callback.domain.callback import Served
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.flows import configure
from callback.web.live import HUB
from callback.web.options import DeskOptions
from tests.browser.conftest import sign_in
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.support.web_house import WebHouse

KEY = ApiKey("AC" + "0" * 32, "SK" + "1" * 32, "a-secret-that-only-tests-know-and-is-long")
ANN = AgentKey("ann")


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house whose agent has a telephone in the page, at a carrier that nobody runs."""
    desk = DeskOptions(key=KEY, stand_in=f"http://127.0.0.1:{free_port()}")
    house = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{free_port()}", desk=desk)
    house.queue()
    served = [Served(QueueKey("support"))]
    configure.put_agent(house.house, ANN, name="Ann", contact="client:ann", queues=served, by="test")
    yield house
    house.close()


def test_the_desk_is_worked_by_keys_in_one_tab_at_a_time_and_says_when_it_is_alone(web: WebHouse, page: Page) -> None:
    port = int(web.options.public_base_url.rsplit(":", 1)[1])
    with web.serving(port):
        sign_in(web, page, "agent", "ann")
        page.wait_for_url("**/agent")
        expect(page.locator("#phone-state")).to_contain_text("not connected")
        page.keyboard.press("a")
        expect(page.locator("#now h1")).to_have_text("Ready for the next caller")
        assert web.line.agent(ANN).status is AgentStatus.AVAILABLE
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("30 seconds more to wrap up")
        page.keyboard.press("w")  # nothing: the list is open
        page.keyboard.press("Escape")
        expect(page.locator("#now h1")).to_have_text("Ready for the next caller")
        page.get_by_role("button", name="Lunch").click()
        expect(page.locator("#now h1")).to_have_text("Away · lunch")

        second = page.context.new_page()
        second.goto(f"{web.options.public_base_url}/agent")
        expect(second.locator("#phone-state")).to_have_text("Your phone is open in another tab.")
        second.get_by_role("button", name="Use it in this tab").click()
        expect(second.locator("#phone-state")).to_contain_text("not connected")
        expect(page.locator("#phone-state")).to_have_text("Your phone is open in another tab.")
        second.close()
        expect(page.locator("#phone-state")).to_contain_text("not connected")
        web.app.extensions[HUB].closing = True  # as when the process is asked to end
    expect(page.locator("#lost")).to_be_visible(timeout=15_000)
    expect(page.locator("#lost")).to_contain_text("Your phone may still ring")
    web.app.extensions[HUB].closing = False
    with web.serving(port):
        expect(page.locator("#lost")).to_be_hidden(timeout=15_000)
        slow = page.context.new_cdp_session(page)
        slow.send("Network.enable")
        link = {"offline": False, "latency": 1_500, "downloadThroughput": 6_000, "uploadThroughput": 4_000}
        slow.send("Network.emulateNetworkConditions", link)
        page.keyboard.press("o")
        expect(page.locator("#now h1")).to_have_text("Signed off", timeout=60_000)
        slow.send("Network.emulateNetworkConditions", {**link, "offline": True})
        expect(page.locator("#lost")).to_be_visible(timeout=15_000)
        slow.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1,
                                                       "uploadThroughput": -1})  # fmt: skip
        expect(page.locator("#lost")).to_be_hidden(timeout=15_000)


LIBRARY = """
(() => {
  const did = (window.did = []);
  class Emitter {
    constructor() { this.on_ = {}; }
    on(name, act) { (this.on_[name] ||= []).push(act); }
    emit(name, given) { (this.on_[name] || []).forEach((act) => act(given)); }
  }
  class Call extends Emitter {
    constructor() { super(); this.parameters = { CallSid: "CA1" }; }
    accept() { did.push("accept"); this.emit("accept"); }
    reject() { did.push("reject"); this.emit("reject"); }
    disconnect() { did.push("disconnect"); this.emit("disconnect"); }
    mute(on) { did.push(`mute ${on}`); }
    sendDigits(digits) { did.push(`digits ${digits}`); }
  }
  class Device extends Emitter {
    constructor(token) {
      super();
      window.device = this;
      const devices = new Map([["default", { label: "" }], ["headset", { label: "A headset" }]]);
      const use = (id) => did.push(`device ${id}`);
      this.audio = { availableInputDevices: devices, availableOutputDevices: devices, isOutputSelectionSupported: true,
        setInputDevice: use, speakerDevices: { set: use }, on() {} };
      did.push(token.split(".").length);
    }
    async register() { this.emit("registered"); }
    updateToken() { did.push("renewed"); }
    destroy() { did.push("destroyed"); }
    ring() { this.call = new Call(); this.emit("incoming", this.call); }
  }
  window.Twilio = { Device };
})();
"""
"""A library of the same shape as the carrier's, which writes down what it is asked."""


def test_the_carriers_library_is_driven_as_it_wants_to_be(
    redis_url: str, sqlite_url: str, clock: ManualClock, page: Page
) -> None:
    port = free_port()
    web = WebHouse(redis_url, sqlite_url, clock, f"http://127.0.0.1:{port}", desk=DeskOptions(key=KEY))
    web.queue()
    served = [Served(QueueKey("support"))]
    configure.put_agent(web.house, ANN, name="Ann", contact="client:ann", queues=served, by="test")

    def did(what: str) -> None:
        eventually(lambda: page.evaluate(what), every_s=0.1, what=what)

    page.route("**/twilio.min.js*", lambda route: route.fulfill(body=LIBRARY, content_type="text/javascript"))
    with web.serving(port):
        sign_in(web, page, "agent", "ann")
        page.wait_for_url("**/agent")
        expect(page.locator("#phone-state")).to_have_text("Ready: calls ring in this page.")
        page.get_by_label("Microphone").select_option("headset")
        page.evaluate("device.ring()")
        expect(page.locator("#phone-state")).to_have_text("Incoming call")
        page.keyboard.press("Enter")
        expect(page.locator("#phone-state")).to_have_text("Connecting you…")
        did("did.filter((one) => one === 'digits 1').length >= 2")
        page.keyboard.press("m")
        page.get_by_text("Keypad").click()
        page.get_by_role("group", name="Keypad").get_by_role("button", name="5").click()
        level = "document.getElementById('phone-level').style.getPropertyValue('--level')"
        page.evaluate("device.call.emit('volume', 0.5)")
        assert page.evaluate(level) == "0", "muted"
        page.evaluate("device.emit('tokenWillExpire')")
        did("did.includes('renewed')")
        page.evaluate("device.call.disconnect()")
        expect(page.locator("#phone-state")).to_have_text("Ready: calls ring in this page.")
        page.evaluate("device.ring()")
        page.keyboard.press("d")
        did("did.includes('reject')")
        assert page.evaluate("[...new Set(did)]") == [
            3,
            "device headset",
            "accept",
            "digits 1",
            "mute true",
            "digits 5",
            "renewed",
            "disconnect",
            "reject",
        ]
    web.close()
