"""Every page there is, in one place: the contact sheet photographs them, and the proofs of every page walk them.

A page that is added is listed here (a test refuses one that is not), with who sees it and the address at which it has
something to show in the staged house (`tests/support/staged.py`): `{waiting}` is the id of a callback in that state,
`{link_waiting}` the token of its status page, `{call}` a call on hold.
"""

from dataclasses import dataclass

from tests.support.staged import Staged


@dataclass(frozen=True)
class Shown:
    """A page: a name for files, its address, and the role that it is looked at with ("" nobody is signed in).
    `agent` is whose desk it is. `caller`: on a stranger's phone, so that every byte counts."""

    name: str
    path: str
    role: str = ""
    agent: str | None = None
    status: int = 200

    @property
    def caller(self) -> bool:
        """Whether it is read by somebody who rang us."""
        return self.path.startswith("/c/")


LINKS = (
    "waiting", "scheduled", "missed", "dialing", "answered", "bridged", "completed", "cancelled", "unreached",
    "expired", "failed", "held",
)  # fmt: skip

SCANNING = "scanning"
"""Who is in the middle of setting up two-step sign-in."""
CHANGE = "%7B%22offer_at_wait_s%22:60%7D"
"""Of a policy, as an address has it."""

PAGES: tuple[Shown, ...] = (
    Shown("sign-in", "/sign-in"),
    Shown("sign-in-code", "/sign-in/code", "viewer", "half"),
    Shown("welcome", "/welcome/{welcome}"),
    Shown("welcome-gone", "/welcome/used", status=404),
    # the caller's page, in every state, and what can be done there
    *(Shown(f"caller-{state}", f"/c/{{link_{state}}}") for state in LINKS),
    Shown("caller-cancel", "/c/{link_waiting}/cancel"),
    Shown("caller-later", "/c/{link_waiting}/later"),
    Shown("caller-number", "/c/{link_waiting}/number"),
    Shown("caller-code", "/c/{link_changing}/code"),
    Shown("caller-ready", "/c/{link_missed}/ready"),
    Shown("caller-not-me", "/c/{link_waiting}/not-me"),
    Shown("caller-unknown", "/c/nosuchlink", status=404),
    # the console
    Shown("queues", "/admin", "supervisor"),
    Shown("thresholds", "/admin/queues/support", "supervisor"),
    Shown("thresholds-viewer", "/admin/queues/billing", "viewer"),
    Shown("preview", f"/admin/queues/support/preview?change={CHANGE}&traffic=example&wait=1", "supervisor"),
    Shown("hours", "/admin/queues/support/hours", "supervisor"),
    Shown("versions", "/admin/queues/support/versions", "supervisor"),
    Shown("stop", "/admin/stop", "supervisor"),
    Shown("start", "/admin/start", "admin"),
    Shown("start-queue", "/admin/start/queue?queue=support", "admin"),
    Shown("start-hours", "/admin/start/hours?queue=support", "admin"),
    Shown("start-agent", "/admin/start/agent?queue=support", "admin"),
    Shown("start-agent-supervisor", "/admin/start/agent?queue=billing", "supervisor"),
    Shown("start-number", "/admin/start/number?queue=support", "admin"),
    Shown("start-call", "/admin/start/call?queue=support", "admin"),
    Shown("queue-add", "/admin/queues/new", "admin"),
    Shown("queue-edit", "/admin/queues/support/edit", "admin"),
    Shown("line", "/admin/queues/support/line", "supervisor"),
    Shown("waits", "/admin/queues/support/waits", "supervisor"),
    Shown("waits-of-all", "/admin/waits", "supervisor"),
    Shown("staffing", "/admin/queues/support/staffing", "supervisor"),
    Shown("callback", "/admin/callbacks/{completed}", "supervisor"),
    Shown("callback-waiting", "/admin/callbacks/{waiting}", "supervisor"),
    Shown("callback-unreadable", "/admin/callbacks/{torn}", "supervisor"),
    Shown("call", "/admin/calls/{call}", "supervisor"),
    Shown("agents", "/admin/agents", "supervisor"),
    Shown("agent-add", "/admin/agents/add", "admin"),
    Shown("agent-edit", "/admin/agents/ann/edit", "admin"),
    Shown("skills", "/admin/skills", "admin"),
    Shown("users", "/admin/users", "admin"),
    Shown("user", "/admin/users/ada@example.com", "admin"),
    Shown("user-own", "/admin/users/admin@example.com", "admin"),
    Shown("account", "/account", "supervisor"),
    Shown("account-two-step", "/account/two-step", "supervisor"),
    Shown("account-scan", "/account/two-step", "viewer", SCANNING),
    Shown("tokens", "/admin/tokens", "admin"),
    Shown("prompts", "/admin/prompts", "supervisor"),
    Shown("prompt", "/admin/prompts/hold_place?queue=support", "supervisor"),
    Shown("prompt-text", "/admin/prompts/text_nearly", "supervisor"),
    Shown("acts", "/admin/acts", "admin"),
    Shown("set-aside", "/admin/trouble", "supervisor"),
    Shown("not-found", "/admin/queues/none", "viewer", status=404),
    Shown("reports", "/admin/reports", "supervisor"),
    Shown("reports-month", "/admin/reports?period=28&by=week&queue=support", "viewer"),
    Shown("reports-waits", "/admin/reports?period=28&by=hour&table=waits&show=back_p90", "supervisor"),
    Shown("reports-management", "/admin/reports/management?period=28&hourly=32.5", "viewer"),
    Shown("reports-agents", "/admin/reports/agents?period=28", "supervisor"),
    Shown("reports-agent", "/admin/reports/agents?period=28&agent=ann", "supervisor"),
    # the desk
    Shown("desk-talking", "/agent", "agent", "ann"),
    Shown("desk-coming", "/agent", "agent", "bob"),
    Shown("desk-away", "/agent", "agent", "dora"),
    Shown("desk-ringing", "/agent", "agent", "fay"),
    Shown("desk-asked", "/agent", "agent", "gus"),
    Shown("desk-consulting", "/agent", "agent", "hana"),
    Shown("desk-together", "/agent", "agent", "jan"),
    Shown("desk-outside", "/agent", "agent", "lou"),
    Shown("desk-transfer", "/agent/transfer", "agent", "ann"),
    Shown("desk-talk", "/agent/talks/{talk}", "agent", "ann"),
    # the wallboard
    Shown("wall", "/wall", "viewer"),
)

NOT_PAGES = {
    "assets.static_file": "a file",
    "condition.banner": "a part of every page",
    "health.healthz": "for machines",
    "health.metrics": "for machines",
    "health.readyz": "for machines",
    "admin.pacing": "a part of the thresholds",
    "admin.staffing_plan": "a part of the staffing",
    "agent.desk_day": "a part of the desk",
    "agent.desk_wrap_up": "a part of the desk",
    "agent.phone_token": "for the desk's script",
    "status.fragment": "a part of the caller's page",
}
"""Endpoints that answer GET and are no page, each with what it is. Parts that refresh (`…_now`), streams (`…_live`) and
files (`…_csv`) are known by their names."""


def address(page: Shown, staged: Staged) -> str:
    """Where the page is in this house."""
    names: dict[str, str] = {"call": staged.call, "held": staged.held, "talk": staged.talk, "welcome": staged.welcome}
    for state, callback in staged.by_state.items():
        names |= {state: callback.id, f"link_{state}": callback.token}
    return page.path.format_map(names)
