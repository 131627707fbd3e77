"""First use, the fourth step: which of the carrier's numbers leads to the queue, compared at the carrier itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.errors import InvalidInput
from callback.domain.ids import QueueKey
from callback.domain.numbers import OwnNumber, Wrong, on_this_machine, webhooks_for, wrong_with
from callback.domain.policy import Queue
from callback.flows import first_use as use
from callback.flows import provision
from callback.flows.first_use import Progress, Said, Step
from callback.ports import CarrierError, CarrierStopped
from callback.web.acting import doer
from callback.web.admin import first_use
from callback.web.admin.first_use import Answer
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.guards import Role, signed_in

MOST = 30


@dataclass(frozen=True)
class Row:
    """A number, the queue that it leads to (None: to no queue), whether that is the one at hand and the number one of
    the account, and what is wrong with its webhooks, as sentences. `goes`: where its calls go now."""

    number: str
    queue: Queue | None
    mine: bool
    ours: bool
    wrong: Sequence[str]
    goes: str

    @property
    def right(self) -> bool:
        """Whether its calls come to this queue, with nothing to mend."""
        return self.mine and not self.wrong


@dataclass(frozen=True)
class Address:
    """PUBLIC_BASE_URL, what is known of the way to it, and what is wrong with that ("" for nothing)."""

    base: str
    told: str
    wrong: str


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/start/number")(start_number)
    console.post("/start/number/check")(start_number_check)
    console.post("/start/number/point")(start_number_point)


@signed_in(Role.SUPERVISOR)
def start_number() -> Answer:
    """The numbers of the account as the carrier has them now."""
    found = first_use.asked()
    if found.queue is None:
        return redirect(url_for("admin.start_queue"))
    trouble, rows = _numbers(found.queue)
    return first_use.shown(
        Step.NUMBER, "admin/start_number.html", found=found, trouble=trouble, rows=rows[:MOST],
        more=max(len(rows) - MOST, 0), address=_address(found), simulated=options().simulated,
    )  # fmt: skip


@signed_in(Role.ADMIN)
def start_number_check() -> AnyResponse:
    """Look again, and remember where all is well."""
    found = first_use.asked()
    if found.queue is not None:
        trouble, rows = _numbers(found.queue)
        right = [row.number for row in rows if row.right]
        if right:
            use.say(house(), Step.NUMBER, Said.CONFIRMED, doer(), queue=found.queue.key)
            flash(gettext("The carrier sends the calls to %(number)s here.", number=right[0]))
        else:
            flash(trouble or gettext("No number leads to this queue yet."), "warn")
    return redirect(first_use.here(Step.NUMBER), 303)


@signed_in(Role.ADMIN)
def start_number_point() -> AnyResponse:
    """Point a number here: what `callback twilio provision` does."""
    found = first_use.asked()
    number = request.form.get("number", "")
    wrong = _unreachable()
    if found.queue is None or wrong:
        flash(wrong or gettext("There is no queue yet."), "warn")
        return redirect(first_use.here(Step.NUMBER), 303)
    try:
        way = provision.look_up(house(), number, QueueKey(found.queue.key))
        provision.point(house(), way, doer())
    except InvalidInput as refused:
        flash(_refused(refused), "warn")
    except CarrierError as error:
        flash(_trouble(error), "warn")
    else:
        flash(gettext("%(number)s leads to %(queue)s now.", number=way.found.number, queue=found.queue.name))
    return redirect(first_use.here(Step.NUMBER), 303)


# --- what the carrier has ---------------------------------------------------------------------------------------


def _numbers(queue: Queue) -> tuple[str, list[Row]]:
    """What keeps us from looking, and every number: those of this queue first, then those that lead nowhere yet."""
    try:
        found = house().numbers.all()
    except CarrierError as error:
        return _trouble(error), []
    with house().store.look() as work:
        queues = work.queues()
    known = {one.number for one in found}
    gone = [_row(number, None, queue, queues) for number in queue.numbers if number not in known]
    rows = [*(_row(one.number, one, queue, queues) for one in found), *gone]
    none = gettext("The carrier's account has no number. Buy one there, and look again.")
    return "" if rows else none, sorted(rows, key=lambda row: (not row.mine, row.queue is not None, row.number))


def _row(number: str, found: OwnNumber | None, queue: Queue, queues: Sequence[Queue]) -> Row:
    leads = next((one for one in queues if number in one.numbers), None)
    mine = leads is not None and leads.key == queue.key
    wrong = wrong_with(found, webhooks_for(house().urls.base, queue.key)) if mine else []
    goes = urlsplit(found.webhooks.voice_url).netloc if found else ""
    return Row(number, leads, mine, found is not None, [_wrong(one, found) for one in wrong], goes)


def _wrong(what: Wrong, found: OwnNumber | None) -> str:
    goes = urlsplit(found.webhooks.voice_url).netloc if found else ""
    elsewhere = gettext("Its calls go to %(host)s, not here.", host=goes) if goes else gettext("Its calls go nowhere.")
    here = urlsplit(house().urls.base).netloc
    return {
        Wrong.NOT_OURS: gettext("It is no number of the carrier's account."),
        Wrong.BYPASSED: gettext("An application or a trunk at the carrier takes its calls."),
        Wrong.CALLS: gettext("Its calls come here, but to another queue.") if goes == here else elsewhere,
        Wrong.FALLBACK: gettext("No fallback: callers hear an error while we cannot be reached."),
        Wrong.ENDS: gettext("We are not told when its calls end."),
        Wrong.TEXTS: gettext("Its texts go elsewhere."),
    }[what]


def _trouble(error: CarrierError) -> str:
    if isinstance(error, CarrierStopped) or error.code == 20003:
        return gettext(
            "The carrier refuses the account's credentials (error %(code)s). Check TWILIO_ACCOUNT_SID and "
            "TWILIO_AUTH_TOKEN, and run callback doctor.", code=error.code,
        )  # fmt: skip
    return gettext("The carrier gives no usable answer now. Try again in a minute, and run callback doctor.")


def _refused(refused: InvalidInput) -> str:
    if isinstance(refused, provision.NotOurs):
        return gettext("It is no number of the carrier's account.")
    return gettext("This number leads to another queue. Take it from there first.")


# --- the way here -----------------------------------------------------------------------------------------------


def _unreachable() -> str:
    """Why the carrier could never ask us anything; "" where nothing speaks against it."""
    if not options().simulated and on_this_machine(house().urls.base):
        return gettext(
            "This address is this machine's own: the carrier cannot reach it. Set the one that leads here from the "
            "internet."
        )
    return ""


def _address(found: Progress) -> Address:
    """What was tried, in the order of what it proves: something came from the carrier; our own request arrives."""
    base, wrong = house().urls.base, _unreachable()
    if wrong:
        return Address(base, "", wrong)
    with house().store.look() as work:
        came = use.came(work)
    rung = any(ring.answered_at for ring in found.rings.values())
    if came or rung:
        return Address(base, gettext("Proved: the carrier has asked here itself, and its signature was right."), "")
    trouble = house().outside.answers(base)
    if trouble is None:
        told = gettext(
            "Tried from this machine: the address leads here. A test ring or a call proves that the carrier gets here "
            "as well."
        )
        return Address(base, told, "")
    wrong = gettext("Tried from this machine: the address does not lead here (%(why)s).", why=trouble)
    return Address(base, "", wrong)
