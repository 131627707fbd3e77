"""The wait of whoever joins next, as a distribution: the simple, honest one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What was measured in a queue lately: the sufficient statistics of the simple wait.

    `handled` conversations lasted `handled_s` seconds in all (talk plus wrap-up); callers waited `waited_s` seconds in
    all, served or not, and `abandoned` of them hung up: `waited_s / abandoned` estimates patience with censoring.
    """

    handled: float = 0
    handled_s: float = 0
    abandoned: float = 0
    waited_s: float = 0
