"""Tests that share many processes, or a browser, run on one test process: xdist knows each by the name of its group."""

import pytest


def group(item: pytest.Item) -> str:
    """What xdist reads from a test's name ("" it may run anywhere)."""
    at = item.nodeid.rfind("@")
    return item.nodeid[at + 1 :] if at > item.nodeid.rfind("]") else ""


def test_where_several_processes_share_a_run_each_test_bears_the_name_of_its_one_group(
    request: pytest.FixtureRequest,
) -> None:
    shared = request.config.getvalue("loadgroup") if hasattr(request.config, "workerinput") else False
    for item in request.session.items:
        marked = [marker.args[0] for marker in item.iter_markers("xdist_group")]
        assert len(marked) <= 1, f"{item.nodeid} is of {marked}, of which xdist makes one more group"
        assert group(item) == "".join(marked if shared else []), item.nodeid
