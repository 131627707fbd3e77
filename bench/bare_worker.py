"""The reference of the dial: a bare Celery task that makes one commit and one request, with our workers' settings."""

import os
from functools import lru_cache

import requests
from celery import Celery
from sqlalchemy import Column, DateTime, Engine, MetaData, String, Table, insert

from bench.bare import moment
from callback.adapters.dispatch import SETTINGS
from callback.adapters.store.engine import make_engine

TASK, QUEUE = "bench.dial", "bench"
TIMEOUT_S = 5
metadata = MetaData()
dials = Table("bench_dials", metadata, Column("id", String, primary_key=True), Column("at", DateTime(timezone=True)))


def make_app(broker: str) -> Celery:
    """An application with the product's settings, for worker and sender alike."""
    app = Celery("bench", broker=broker, set_as_current=False)
    app.conf.update(SETTINGS | {"task_routes": {TASK: {"queue": QUEUE}}})
    return app


app = make_app(os.environ.get("REDIS_URL", ""))


@lru_cache(maxsize=1)
def engine() -> Engine:
    """This process's connections to the same database."""
    return make_engine(os.environ["DATABASE_URL"])


@lru_cache(maxsize=1)
def session() -> requests.Session:
    """This process's connection to the carrier, kept open."""
    made = requests.Session()
    made.trust_env = False
    made.auth = (os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    return made


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def dial(id: str, url: str, form: dict[str, str]) -> None:
    """One commit, one request."""
    with engine().begin() as connection:
        connection.execute(insert(dials), {"id": id, "at": moment()})
    session().post(url, data=form, timeout=TIMEOUT_S)
