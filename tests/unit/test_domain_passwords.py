"""Which passwords are refused, as a table."""

import pytest

from callback.domain.passwords import LENGTH, LONGEST, Weak, weakness

SUE = "sue.miller@example.com"


@pytest.mark.parametrize(
    "password",
    ["violet kettle 9 moss", "jS7_aB-x0Qpz", "sue likes old maps", "紫色的水壶和青苔都在窗台上", "k3j4h5g6f7d8"],
)
def test_what_nobody_would_try_is_taken(password: str) -> None:
    assert weakness(password, SUE) is None


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "P@ssw0rd2024!", "Welcome2024!!", "welcomewelcome", "hunter2hunter2", "Callback12345",
        "correct horse battery staple", "aaaaaaaaaaaa", "121212121212", "123456789012", "098765432109",
        "qwertyuiop12", "abcdefghijkl", "abc1abc1abc1", "zxcvbnmasdfg",
    ],
)  # fmt: skip
def test_what_everybody_would_try_is_refused(password: str) -> None:
    assert weakness(password, SUE) is Weak.COMMON


def test_length_counts_and_who_somebody_is_does_not_belong_into_it() -> None:
    assert weakness("k3j4h5g6f7d"[: LENGTH - 1], SUE) is Weak.SHORT
    assert weakness("violet kettle " * 20, SUE) is Weak.LONG
    assert weakness("x" * (LONGEST + 1)) is Weak.LONG
    assert weakness("old Miller maps", SUE) is Weak.PERSONAL
    assert weakness("sue.miller+maps", "SUE.MILLER@EXAMPLE.COM") is Weak.PERSONAL
