"""What was learnt about waits, version by version: the newest of a pool is where an estimator goes on."""

from dataclasses import asdict

from sqlalchemy import delete, func, select

from callback.adapters.store.tables import wait_models
from callback.adapters.store.transaction import Transaction
from callback.domain.stored import Errors, Stored

KEPT = 20
"""So many versions of a pool stay."""
m = wait_models.c
_ERRORS = ("rase_s", "mae_s", "simple_rase_s", "simple_mae_s")


class Models(Transaction):
    """The verbs on learnt models."""

    def put_wait_model(self, pool: str, stored: Stored) -> None:
        plain = {name: value for name, value in asdict(stored).items() if name not in ("errors", "calibration")}
        offsets = [list(part) for part in stored.calibration]
        self._upsert(wait_models, {"pool": pool, **plain, "calibration": offsets, **asdict(stored.errors)})
        self._sql.execute(delete(wait_models).where(m.pool == pool, m.version <= stored.version - KEPT))

    def wait_model(self, pool: str) -> Stored | None:
        newest = select(func.max(m.version)).where(m.pool == pool).scalar_subquery()
        row = self._sql.execute(select(wait_models).where(m.pool == pool, m.version == newest)).one_or_none()
        if row is None:
            return None
        found = row._mapping
        joining_offsets, standing_offsets = found["calibration"]
        return Stored(
            version=found["version"],
            at=found["at"],
            seq=found["seq"],
            waits=found["waits"],
            joining=found["joining"],
            standing=found["standing"],
            calibration=(tuple(joining_offsets), tuple(standing_offsets)),
            share=found["share"],
            errors=Errors(**{name: found[name] for name in _ERRORS}),
        )

    def wait_models(self, pool: str) -> list[Stored]:
        columns = (m.version, m.at, m.seq, m.waits, m.share, *(m[name] for name in _ERRORS))
        rows = self._sql.execute(select(*columns).where(m.pool == pool).order_by(m.version.desc()))
        blank = ((), ())
        return [
            Stored(version, at, seq, waits, b"", b"", blank, share, Errors(*errors))
            for version, at, seq, waits, share, *errors in rows
        ]
