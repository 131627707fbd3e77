"""The lock: every file bound by its hash, no address in it, and nothing that we ask for left out."""

import re
import tomllib

from tests.support.tree import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>\S+)(?P<rest>(?:.*\\\n)(?:    --hash=.*\n)*)", re.MULTILINE
)


def canonical(requirement: str) -> str:
    name = re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_names_no_address() -> None:
    assert re.findall(r".*(?:://|--index-url|--extra-index-url|--find-links|--trusted-host| @ ).*", LOCK) == []


def test_every_locked_package_is_bound_by_its_hashes() -> None:
    packages = re.findall(r"^[a-z0-9]\S*", LOCK, re.MULTILINE)
    bound = [match["name"] for match in ENTRY.finditer(LOCK) if "--hash=sha256:" in match["rest"]]
    assert len(bound) == len(packages) > 50


def test_everything_we_ask_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {canonical(item) for item in [*project["dependencies"], *project["optional-dependencies"]["dev"]]}
    assert wanted - {match["name"] for match in ENTRY.finditer(LOCK)} == set()
