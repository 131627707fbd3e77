"""The processes that a deployment runs: named in the Procfile, and together doing everything the code hands out."""

import re
import shlex
import subprocess
from importlib import import_module

from celery.app.utils import find_app
from honcho.environ import parse_procfile

from tests.support.tree import ROOT

PROCFILE: dict[str, str] = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes


def consumed() -> set[str]:
    """The queues that some process of the Procfile takes tasks from."""
    queues: set[str] = set()
    for line in PROCFILE.values():
        words = shlex.split(line)
        if "worker" in words:
            queues |= set(words[words.index("-Q") + 1].split(","))
    return queues


def handed_out() -> dict[str, str]:
    """Each of our tasks with the queue that the application's own router puts it in."""
    app = find_app("workers")
    import_module("workers.tasks")
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    return {name: app.amqp.router.route({}, name)["queue"].name for name in ours}


def test_the_procfile_has_everything_a_deployment_runs() -> None:
    assert list(PROCFILE) == ["release", "web", "worker", "keeper", "estimator", "beat"]


def test_every_queue_that_tasks_go_to_is_consumed() -> None:
    tasks = handed_out()
    assert tasks
    assert {name: queue for name, queue in tasks.items() if queue not in consumed()} == {}


def test_every_queue_that_is_consumed_has_tasks() -> None:
    assert consumed() == set(handed_out().values())


def test_a_carrier_that_hangs_keeps_no_worker_from_sweeping() -> None:
    lanes = [
        set(words[words.index("-Q") + 1].split(",")) for line in PROCFILE.values() if "-Q" in (words := line.split())
    ]
    assert {"dial", "messages"} in lanes
    assert {"sweep", "persist"} in lanes


def test_every_beat_entry_names_a_task_that_exists() -> None:
    app = find_app("workers")
    import_module("workers.tasks")
    beaten = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert beaten
    assert beaten <= set(app.tasks)


def test_the_commands_people_are_promised_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test", "check", "bench", "lock"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_ci_script_is_sound_shell() -> None:
    for script in ("run", "environment", "test-parts"):
        subprocess.run(["bash", "-n", ROOT / ".ci" / script], check=True)
