"""`callback agent`, `callback user`, `callback token`: who takes calls, who signs in, and which programs may ask."""

import sys
from typing import TYPE_CHECKING

import click

from callback.cli.house import open_house, open_store, who
from callback.cli.output import as_json, note, show, table
from callback.cli.queues import key_of

if TYPE_CHECKING:
    from callback.domain.callback import Served

ROLES = ("viewer", "supervisor", "admin", "agent")
ROLE = click.Choice(ROLES)


# --- agents -----------------------------------------------------------------------------------------------------


@click.group()
def agent() -> None:
    """Add and list agents."""


@agent.command("add")
@click.argument("key", callback=key_of)
@click.option("--name", help="What people call them; the key unless given.")
@click.option("--contact", required=True, help="Where they take calls: +12015550123, sip:ann@example.com, client:ann.")
@click.option("--queue", "queues", multiple=True, metavar="KEY[:LEVEL]", help="A queue they serve (repeatable).")
@as_json
def add_agent(key: str, name: str | None, contact: str, queues: tuple[str, ...], json_wanted: bool) -> None:
    """Create an agent, or change their name, contact and queues."""
    from callback.domain.ids import AgentKey
    from callback.flows import configure, look

    served = [served_from(text) for text in queues]
    with open_house() as built:
        configure.put_agent(built.house, AgentKey(key), name=name or key, contact=contact, queues=served, by=who())
        data = look.agent_view(built.house, AgentKey(key))
    if not served:
        note(f"{key} serves no queue yet: say --queue KEY")
    show(data, json_wanted, f"{key}  {data['name']}  {data['contact']}  {queues_text(data['queues'])}")


@agent.command("list")
@as_json
def list_agents(json_wanted: bool) -> None:
    """Every agent and what they are doing."""
    from callback.flows import look

    with open_house() as built:
        items = look.agents_view(built.house)
    rows = [
        (item["key"], item["name"], item["status"], item["since"], item["contact"], queues_text(item["queues"]))
        for item in items
    ]
    none = "no agent yet: `callback agent add KEY --contact +1… --queue KEY`"
    head = ("KEY", "NAME", "STATUS", "SINCE", "CONTACT", "QUEUES")
    show({"items": items, "next": None}, json_wanted, table(head, rows, none))


def served_from(text: str) -> "Served":
    """`key` or `key:level`. Raises BadParameter."""
    from callback.domain.callback import Served
    from callback.domain.ids import QueueKey

    key, _, level = text.partition(":")
    if level and not (level.isascii() and level.isdigit() and 1 <= int(level) <= 99):
        raise click.BadParameter(f"{text!r}: the level is a number from 1 (first) to 99", param_hint="--queue")
    return Served(QueueKey(key), int(level or 1))


def queues_text(served: list[dict[str, object]]) -> str:
    """Queues and levels as they are typed."""
    return ", ".join(f"{one['key']}:{one['level']}" for one in served) or "none"


# --- users and tokens -------------------------------------------------------------------------------------------


@click.group()
def user() -> None:
    """Add people who sign in to the console or a desk."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=ROLE, required=True)
@click.option("--agent", "agent_key", metavar="KEY", help="Whose desk it is; needed for the role agent.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@click.option("--reset-two-step", is_flag=True, help="Forget their authenticator app and recovery codes as well.")
@as_json
def add_user(
    email: str, role: str, agent_key: str | None, password_stdin: bool, reset_two_step: bool, json_wanted: bool
) -> None:
    """Let somebody sign in, or give them a new password and role."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from callback.domain.acts import Doer, What, act
    from callback.domain.ids import AgentKey
    from callback.flows.users import audited
    from callback.ports import User
    from callback.web.credentials import hash_password

    if role == "agent" and not agent_key:
        raise click.UsageError("the role agent needs --agent KEY: whose desk is it?")
    address = address_of(email)
    with open_store() as store:
        key = AgentKey(agent_key) if agent_key else None
        if key is not None:
            with store.begin() as work:
                work.agent(key)
        kept = hash_password(password(password_stdin), address)
        with store.begin() as work:
            known = next((one for one in work.users_to_change() if one.email == address), None)
            made = replace(known or User(address, role, kept), role=role, password_hash=kept, agent=key, disabled=False)
            work.put_user(made)
            work.end_sessions(address)
            work.drop_welcome(address)
            before, after = (audited(one) for one in (known, made))
            work.act(act(Doer(who()), What.USER_SAVE, address, datetime.now(UTC), before=before, after=after))
            if reset_two_step and work.drop_second_step(address):
                work.act(act(Doer(who()), What.USER_TWO_STEP_RESET, address, datetime.now(UTC)))
    note(f"{'changed' if known else 'added'} {address}: signs in at /sign-in")
    show(
        {"email": address, "role": role, "agent": agent_key},
        json_wanted,
        f"{address}  {role}  {agent_key or ''}".rstrip(),
    )


def address_of(email: str) -> str:
    """The address in the form it is looked up by. Raises BadParameter."""
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(email, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as wrong:
        raise click.BadParameter(str(wrong), param_hint="EMAIL") from None
    return checked.normalized.lower()


def password(from_stdin: bool) -> str:
    """As typed twice, unseen, or as the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed


@click.group()
def token() -> None:
    """Make bearer tokens for programs that use the API."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=ROLE, required=True)
@click.option("--agent", "agent_key", metavar="KEY", help="Whom alone it speaks for, with the role agent.")
@as_json
def add_token(name: str, role: str, agent_key: str | None, json_wanted: bool) -> None:
    """Print a new bearer token, once. A name that has one already gets the new one, and the old stops working."""
    from datetime import UTC, datetime

    from callback.domain.acts import Doer, What, act
    from callback.domain.ids import AgentKey, token_hash
    from callback.ports import ApiToken
    from callback.web.credentials import new_token

    if agent_key and role != "agent":
        raise click.UsageError("--agent goes with --role agent: other roles speak for nobody")
    made, after = new_token(), {"role": role} | ({"agent": agent_key} if agent_key else {})
    with open_store() as store, store.begin() as work:
        agent = work.agent(AgentKey(agent_key)).key if agent_key else None
        work.put_token(ApiToken(name, role, token_hash(made), agent))
        work.act(act(Doer(who()), What.TOKEN_SAVE, name, datetime.now(UTC), after=after))
    if role == "agent" and agent is None:
        note(f"{name} speaks for every agent, as a telephone system does: --agent KEY makes one for a single agent")
    note(f"this is the only time the token of {name} is shown: only its hash is kept")
    show({"name": name, "role": role, "token": made}, json_wanted, made)
