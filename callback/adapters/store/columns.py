"""Kinds of columns that mean the same on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, DateTime, Dialect, Integer, String, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware UTC time to the microsecond, also where the database (SQLite) keeps no zone.

    Raises ValueError for a time without a zone: guessing one would move promises by hours.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, and naive for SQLite."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the record keeps aware times only")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Word(TypeDecorator[StrEnum]):
    """A member of an enum, kept as its word."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The word. Raises ValueError for one that the enum does not know."""
        return None if value is None else str(self.words(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        """The member."""
        return None if value is None else self.words(value)


def raw(column: Column[Any]) -> ColumnElement[Any]:
    """The column as the driver gives it, for `reader`."""
    return type_coerce(column, NullType())


def reader(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """What makes a value of this kind of one that was read raw."""
    return kind.dialect_impl(dialect).result_processor(dialect, None) or (lambda value: value)


Data = JSON().with_variant(JSONB(), "postgresql")
Given = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")  # None is SQL's NULL
Counter = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
