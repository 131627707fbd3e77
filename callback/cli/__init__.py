"""The command line: everything an operator does without a browser.

A command imports its own part when it runs, so that `callback --help` is instant. What goes wrong is said in plain
words with the way to mend it: exit code 1, or 2 for a command that was typed wrongly.
"""

import click

from callback.cli import (
    audit,
    backtest,
    carrier,
    erase,
    estimate,
    export,
    people,
    queues,
    rehearse,
    reports,
    reseal,
    running,
    staff,
)
from callback.cli.errors import PlainGroup


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="callback")
def main() -> None:
    """A virtual queue: callers hang up, keep their place in line, and are called back.

    Everything is set by environment variables; `callback doctor` checks them and says how to mend each.
    """
    from callback import logs

    logs.beside()


for _command in (
    running.run,
    running.web,
    running.migrate,
    running.doctor,
    queues.queue,
    people.agent,
    people.user,
    people.token,
    carrier.twilio,
    running.rebuild,
    estimate.estimate,
    audit.audit,
    backtest.backtest,
    rehearse.rehearse,
    staff.forecast,
    staff.staff,
    reports.reports,
    export.export,
    erase.erase,
    reseal.reseal,
):
    main.add_command(_command)
