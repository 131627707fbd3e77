"""Doors that are hung quickly: what a route and a page's template are compiled to is kept for the houses that follow.

A test process builds some hundreds of applications, each with the same routes and pages. To compile them again would
take longer than most tests; what is compiled depends on nothing of a house.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from callback.web.application import Application


class KeptPages(BytecodeCache):
    """The code of templates, by name and content."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (kept := self._kept.get(bucket.key + bucket.checksum)) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


class KeptRoute(Rule):
    """A route whose builder of addresses comes from the last one that was spelled alike."""

    _kept: ClassVar[dict[tuple[object, ...], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        spelled = (append_unknown, tuple(self._trace), repr(self.defaults))
        if spelled not in self._kept:
            self._kept[spelled] = super()._compile_builder(append_unknown)
        return self._kept[spelled]


def hang_quickly() -> None:
    """From now on, in this process, by Flask's own names for both."""
    options: dict[str, Any] = {**Application.jinja_options, "bytecode_cache": KeptPages()}
    Application.url_rule_class = KeptRoute
    Application.jinja_options = options
