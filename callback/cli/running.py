"""`run`, `web`, `migrate`, `doctor`, `rebuild`: what keeps an installation going."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from callback.cli.house import open_house, settings
from callback.cli.output import as_json, note, show

if TYPE_CHECKING:
    from callback.flows.rebuild import Rebuilt
    from callback.settings import Settings


@click.command()
def run() -> None:
    """Run everything on this machine until Ctrl-C.

    Without carrier credentials it also simulates the carrier, callers and agents.
    """
    from callback import serve

    serve.run(settings())


@click.command()
def web() -> None:
    """Run the web server alone."""
    from callback import serve

    serve.web(settings())


@click.command()
@as_json
def migrate(json_wanted: bool) -> None:
    """Bring the database to the tables of this version.

    The line gets the record's configuration, where Redis can be reached.
    """
    from callback.adapters.store import migrate as migrations

    def blocked(since_s: float, by: str) -> None:
        note(f"waiting ({since_s:.0f} s): a table is in use by {by}; calls go on meanwhile")
        migrations.wait_a_while(since_s, by)

    known = settings()
    before = migrations.current(known.database_url)
    after = migrations.upgrade(known.database_url, blocked=blocked)
    published = publish(known)
    done = f"the database is at {after}" + ("" if before == after else f" (was {before or 'empty'})")
    show({"from": before, "to": after, "published": published}, json_wanted, done)


def publish(known: "Settings") -> bool:
    """The record's configuration into the line, where there is one. Whoever starts later publishes it then."""
    from callback import wiring
    from callback.adapters.line.server import FAULTS
    from callback.embedded import live_url
    from callback.flows import configure

    url = known.redis_url or live_url(known.var_dir / "redis")
    if url is None:
        note("no Redis runs yet: the configuration is published when it does")
        return False
    built = wiring.build(known.with_redis(url))
    try:
        configure.publish(built.house)
    except FAULTS as away:
        note(f"Redis is away ({str(away).rstrip('.')}): run `callback migrate` again when it is back,")
        note("so that the configuration is published")
        return False
    finally:
        built.store.close()
        built.redis.close()
    return True


@click.command()
@as_json
def doctor(json_wanted: bool) -> None:
    """Check every setting and connection; say how to mend each."""
    from callback import doctor as examination

    checks = examination.examine(os.environ)
    data = [check.as_json() for check in checks]
    failed = any(check.verdict is examination.Verdict.FAIL for check in checks)
    show({"ok": not failed, "checks": data}, json_wanted, examination.report(checks, color=sys.stdout.isatty()))
    if failed:
        sys.exit(1)


@click.command()
@as_json
def rebuild(json_wanted: bool) -> None:
    """Fill the line from the record, after Redis was lost.

    Also after it was restored from an old dump. Everybody stands where they stood. Safe while calls go on.
    """
    from callback.domain.lifecycle import State
    from callback.flows import rebuild as rebuilding

    with open_house() as built:
        with built.store.begin() as work:
            waiting = work.counts().get(State.WAITING, 0)
        hidden = json_wanted or not sys.stderr.isatty()
        with click.progressbar(length=waiting, label="back in line", file=sys.stderr, hidden=hidden) as bar:
            done = rebuilding.rebuild(built.house, lambda count: bar.update(count - bar.pos))
    if done.left:
        note("callbacks in flight that the sweep settles with the carrier: " + ", ".join(done.left))
    show(rebuilt_json(done), json_wanted, rebuilt_text(done))


def rebuilt_json(done: "Rebuilt") -> dict[str, Any]:
    """What was found."""
    return {
        "queues": done.queues,
        "agents": done.agents,
        "waiting": done.waiting,
        "holding": done.holding,
        "paired": done.paired,
        "left": list(done.left),
    }


def rebuilt_text(done: "Rebuilt") -> str:
    """The same in a sentence."""
    return (
        f"{done.waiting} callbacks and {done.holding} callers on hold stand in {done.queues} queues again; "
        f"{done.paired} are with an agent, {len(done.left)} are left to the sweep; "
        f"{done.agents} agents have their seats"
    )
