"""A queue's policy: every threshold a supervisor can set, its default, and what is wrong with a bad one.

The fields and defaults are the public contract of the product; `null` switches a rule off.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Policy:
    """One version of a queue's policy. Durations are seconds. `domain.policies` parses and checks one."""

    offer_at_wait_s: float | None = 180
    stop_offering_at_wait_s: float | None = 120
    offer_quantile: str = "p80"
    offer_at_waiting: int | None = None
    max_outstanding: int | None = None
    hours: dict[str, object] | None = None
    closing_guard: bool = True
    accepting: bool = True
    dialing: bool = True
    dial_mode: str = "customer_first"
    confirm_human: str = "press_1"
    wait_tolerance_s: float = 2
    max_wait_probability: float = 0.03
    attempts: int = 3
    retry_delays_s: tuple[float, ...] = (300, 900)
    missed_place: str = "keep"
    ring_timeout_s: int = 25
    wrap_up_s: float = 20
    cut_off_s: float = 10
    prior_handle_s: float = 240
    prior_patience_s: float = 600
    priority_credit_s: dict[str, float] = field(default_factory=lambda: {"vip": 300})
    quiet_hours: tuple[str, str] | None = None
    allowed_countries: tuple[str, ...] | None = ("own",)
    languages: tuple[str, ...] = ("en", "zh")
    ask_rating: bool = True


@dataclass(frozen=True)
class Queue:
    """A queue as configured: its key, the numbers that lead to it, and the policy in force with its version."""

    key: str
    name: str
    numbers: tuple[str, ...]
    policy: Policy
    version: int
