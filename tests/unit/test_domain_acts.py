"""What the audit log keeps of an act."""

import pytest

from callback.domain.acts import contact_masked, differing


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ({"b": 2}, {"b": 3})),
        ({"a": 1}, {"a": 1}, ({}, {})),
        (None, {"a": 1}, (None, {"a": 1})),
        ({"a": 1}, None, ({"a": 1}, None)),
        ({"a": 1}, {"b": 1}, ({"a": 1}, {"b": 1})),
    ],
)
def test_only_what_differs_is_kept(before: dict[str, int], after: dict[str, int], kept: object) -> None:
    assert differing(before, after) == kept


def test_an_agents_own_number_is_masked_and_an_address_is_not() -> None:
    assert "4155550123" not in contact_masked("+14155550123")
    assert contact_masked("client:ann") == "client:ann"
