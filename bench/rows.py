"""The rows of the table: what each measures, and with how much effort."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import arrival, backtest, dial, expect, line, pacing, pages, rebuild, rehearse, reports, scenarios
from bench.figures import Figure

Tick = Callable[[], None]


@dataclass(frozen=True)
class Row:
    """One benchmark. `measure` takes whether to be quick, and a function to call after each of `rounds` rounds."""

    name: str
    about: str
    measure: Callable[[bool, Tick], list[Figure]]
    rounds: int = 7


QUICK_ROUNDS = 1


def _arrival(database: str) -> Callable[[bool, Tick], list[Figure]]:
    def measure(quick: bool, tick: Tick) -> list[Figure]:
        quickly = arrival.Effort(QUICK_ROUNDS, seconds=1, callers_per_s=3000, warm_up=False)
        return arrival.measure(database, quickly if quick else arrival.Effort(), tick)

    return measure


def _dial(database: str) -> Callable[[bool, Tick], list[Figure]]:
    def measure(quick: bool, tick: Tick) -> list[Figure]:
        return dial.measure(database, dial.Effort(QUICK_ROUNDS, dials=3) if quick else dial.Effort(), tick)

    return measure


def _line(quick: bool, tick: Tick) -> list[Figure]:
    quickly = line.Effort(QUICK_ROUNDS, joins=20, short=100, long=1_000)
    return line.measure(quickly if quick else line.Effort(), tick)


def _rebuild(database: str) -> Callable[[bool, Tick], list[Figure]]:
    def measure(quick: bool, tick: Tick) -> list[Figure]:
        quickly = rebuild.Effort(QUICK_ROUNDS, promises=300, idle_s=0.2)
        return rebuild.measure(database, quickly if quick else rebuild.Effort(), tick)

    return measure


def _pages(quick: bool, tick: Tick) -> list[Figure]:
    quickly = pages.Effort(QUICK_ROUNDS, walls=5, pages=50, period_s=5, seconds=1, callers_per_s=3000)
    return pages.measure(quickly if quick else pages.Effort(), tick)


def _pacing(quick: bool, tick: Tick) -> list[Figure]:
    if not quick:
        return pacing.measure(pacing.SHORT, tick)
    figures = pacing.measure(pacing.QUICK, lambda: None)
    tick()
    return figures


def _scenarios(quick: bool, tick: Tick) -> list[Figure]:
    if not quick:
        return scenarios.measure(scenarios.Effort(), tick)
    figures = scenarios.measure(scenarios.QUICK, lambda: None)
    tick()
    return figures


def _reports(database: str) -> Callable[[bool, Tick], list[Figure]]:
    def measure(quick: bool, tick: Tick) -> list[Figure]:
        return reports.measure(database, reports.QUICK if quick else reports.Effort(), tick)

    return measure


ROWS = {
    row.name: row
    for row in (
        Row("arrival-postgresql", "a call comes in, green threads on PostgreSQL", _arrival("postgresql")),
        Row("arrival-sqlite", "a call comes in, threads on SQLite", _arrival("sqlite")),
        Row("dial-postgresql", "an agent becomes free, on PostgreSQL", _dial("postgresql")),
        Row("dial-sqlite", "an agent becomes free, on SQLite", _dial("sqlite")),
        Row("line", "a thousand and a million in line", _line),
        Row("rebuild-postgresql", "a lost line is filled again, from PostgreSQL", _rebuild("postgresql"), rounds=3),
        Row("rebuild-sqlite", "a lost line is filled again, from SQLite", _rebuild("sqlite"), rounds=3),
        Row("pages", "pages that stay open, on PostgreSQL", _pages),
        Row("pacing", "dialling ahead on a simulated floor", _pacing, rounds=pacing.ROUNDS),
        Row("backtest", "a year of recorded traffic", backtest.measure, rounds=1),
        Row("expect", "what is expected of each place", expect.measure, rounds=1),
        Row("rehearse", "a day rehearsed", rehearse.measure, rounds=rehearse.ROUNDS),
        Row("reports-postgresql", "reports on a year of calls, on PostgreSQL", _reports("postgresql")),
        Row("reports-sqlite", "reports on a year of calls, on SQLite", _reports("sqlite")),
        Row("scenarios", "forecasts beside an oracle", _scenarios, rounds=scenarios.ROUNDS),
    )
}


def named(prefixes: tuple[str, ...]) -> list[Row]:
    """The rows whose name begins with one of `prefixes`; all without any. Raises KeyError for one that fits none."""
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in ROWS):
            raise KeyError(prefix)
    return [row for row in ROWS.values() if not prefixes or row.name.startswith(prefixes)]
