"""The API's own description, OpenAPI 3.1, made from the models that check the requests."""

import copy
from typing import Any

from flask import Blueprint, Response, json

from callback.web.api.contract import spec
from callback.web.context import options
from callback.web.guards import public
from callback.web.problems import PROBLEM_JSON


def routes(api: Blueprint) -> None:
    """Adds this part to the API."""
    api.get("/openapi.json")(openapi)


@public("a description of what tokens open; it opens nothing itself")
def openapi() -> Response:
    """This description."""
    return Response(json.dumps(document()), mimetype="application/json")


def document() -> dict[str, Any]:
    """The description, with refusals under their own media type and this installation's address."""
    described: dict[str, Any] = copy.deepcopy(spec.spec)
    described["servers"] = [{"url": options().public_base_url}]
    for operations in described["paths"].values():
        for operation in operations.values():
            _as_problems(operation["responses"])
    return described


def _as_problems(responses: dict[str, Any]) -> None:
    for status, answer in responses.items():
        if status >= "400" and "content" in answer:
            answer["content"] = {PROBLEM_JSON: answer["content"].pop("application/json")}
