"""Numbers: what counts as one, whom we may ring, and how one is shown and said."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain import phone
from callback.domain.errors import InvalidInput, NumberRefused
from callback.domain.phone import Refusal

NEW_YORK = "+12125550123"
SHANGHAI = "+8613800138000"


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("+12015550123", None, "+12015550123"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("2015550123", "US", "+12015550123"),
        ("12015550123", "US", "+12015550123"),
        ("138 0013 8000", "CN", SHANGHAI),
        ("020 7946 0018", "GB", "+442079460018"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("tel:+1-201-555-0123", None, "+12015550123"),
        ("+44 20 7946 0018", "US", "+442079460018"),
    ],
)
def test_a_number_is_read_as_people_write_it(raw: str, region: str | None, number: str) -> None:
    assert phone.normalise(raw, region) == number


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("", "US"),
        ("0", "US"),
        ("911", "US"),
        ("2015550123", None),
        ("201555012", "US"),
        ("+1201555012345", None),
        ("+999123456789", None),
        ("+1 201 555 0123 ext. 5", None),
        ("anonymous", "US"),
        ("sip:someone@example.com", "US"),
        ("9" * 300, "US"),
    ],
)
def test_what_is_no_number_is_refused(raw: str, region: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        phone.normalise(raw, region)
    assert refused.value.field == "number"


@pytest.mark.parametrize("area", ["201", "212", "415", "312", "917"])
def test_the_fictional_numbers_of_north_america_are_numbers(area: str) -> None:
    assert phone.normalise(f"+1{area}5550100", None) == f"+1{area}5550100"


@pytest.mark.parametrize(
    ("number", "region"),
    [(NEW_YORK, "US"), ("+14165550123", "CA"), (SHANGHAI, "CN"), ("+442079460018", "GB"), ("+15550000000", "US")],
)
def test_a_number_has_a_country_even_where_nobody_could_have_it(number: str, region: str) -> None:
    assert phone.region_of(number) == region


def test_what_is_no_number_has_no_country() -> None:
    with pytest.raises(InvalidInput):
        phone.region_of("nobody")


@pytest.mark.parametrize(
    ("number", "allowed", "own"),
    [
        (NEW_YORK, ("own",), "+12015550100"),
        (NEW_YORK, ("US",), None),
        (NEW_YORK, ("own", "US"), SHANGHAI),
        (SHANGHAI, ("own", "CN"), NEW_YORK),
        (SHANGHAI, None, None),
        ("+18005551212", ("own",), NEW_YORK),
        ("+15005550006", ("own",), NEW_YORK),
        ("+442079460018", None, NEW_YORK),
    ],
)
def test_an_ordinary_number_of_an_allowed_country_is_rung(
    number: str, allowed: tuple[str, ...] | None, own: str | None
) -> None:
    phone.check(number, allowed=allowed, own=own)


@pytest.mark.parametrize(
    ("number", "allowed", "own", "reason"),
    [
        (SHANGHAI, ("own",), NEW_YORK, Refusal.COUNTRY),
        ("+14165550123", ("own",), NEW_YORK, Refusal.COUNTRY),
        (NEW_YORK, ("own",), None, Refusal.COUNTRY),
        (NEW_YORK, (), NEW_YORK, Refusal.COUNTRY),
        ("+19005551212", None, None, Refusal.PREMIUM),
        ("+19005551212", ("own",), NEW_YORK, Refusal.PREMIUM),
        ("+449098790123", None, None, Refusal.PREMIUM),
        ("+97912345678", None, None, Refusal.PREMIUM),
        ("+4918012345", None, None, Refusal.SHARED_COST),
        ("+80812345678", None, None, Refusal.SHARED_COST),
        ("+870773111632", None, None, Refusal.SATELLITE),
        ("+881631234567", None, None, Refusal.SATELLITE),
        ("+8821612345678", None, None, Refusal.SATELLITE),
        ("+883510012345678", None, None, Refusal.SATELLITE),
        ("+445512345678", None, None, Refusal.UNIVERSAL),
        ("+447012345678", None, None, Refusal.PERSONAL),
        ("+80012345678", None, None, Refusal.NO_COUNTRY),
        ("+8610086", None, None, Refusal.SHORT),
        ("+86110", None, None, Refusal.SHORT),
        ("+1911", None, None, Refusal.SHORT),
        ("+12", None, None, Refusal.INVALID),
        ("911", None, None, Refusal.INVALID),
        ("+120155501", None, None, Refusal.INVALID),
        ("", None, None, Refusal.INVALID),
        ("sip:someone@example.com", None, None, Refusal.INVALID),
    ],
)
def test_a_costly_special_or_foreign_number_is_not_rung(
    number: str, allowed: tuple[str, ...] | None, own: str | None, reason: Refusal
) -> None:
    with pytest.raises(NumberRefused) as refused:
        phone.check(number, allowed=allowed, own=own)
    assert refused.value.reason == reason


def test_a_refusal_never_repeats_the_number() -> None:
    with pytest.raises(NumberRefused) as refused:
        phone.check(SHANGHAI, allowed=("own",), own=NEW_YORK)
    assert "138" not in str(refused.value)


@pytest.mark.parametrize("raw", [NEW_YORK, f" {NEW_YORK} "])
def test_a_caller_id_that_is_a_number_can_be_rung_back(raw: str) -> None:
    assert phone.usable_caller(raw) == NEW_YORK


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "anonymous",
        "Anonymous",
        "Restricted",
        "unavailable",
        "sip:alice@example.com",
        "sip:+12125550123@example.com",
        "client:alice",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
        "2125550123",
        "+1212",
        "+",
        "+１２１２５５５０１２３",
    ],
)
def test_a_caller_id_that_hides_somebody_cannot_be_rung_back(raw: str) -> None:
    assert phone.usable_caller(raw) is None


@pytest.mark.parametrize(
    ("number", "texted"),
    [
        (SHANGHAI, True),
        (NEW_YORK, True),
        ("+447400123456", True),
        ("+442079460018", False),
        ("+18005551212", False),
        ("", False),
    ],
)
def test_a_text_is_sent_only_where_it_may_arrive(number: str, texted: bool) -> None:
    assert phone.can_text(number) is texted


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+12015550123", "+1201•••0123"),
        (SHANGHAI, "+8613•••8000"),
        ("+4412345", "+•••2345"),
        ("+123456", "+•••456"),
        ("12345", "•••45"),
        ("+1234", "•••"),
        ("anonymous", "•••"),
        ("sip:alice@example.com", "•••"),
        ("", "•••"),
        ("+", "•••"),
    ],
)
def test_a_masked_number_can_be_told_apart_but_not_rung(number: str, shown: str) -> None:
    assert phone.mask(number) == shown


@given(st.from_regex(r"\+?[0-9]{1,18}", fullmatch=True))
def test_a_mask_always_hides_three_digits_or_everything(number: str) -> None:
    shown = phone.mask(number)
    assert "•••" in shown
    assert sum(c.isdigit() for c in shown) <= max(0, sum(c.isdigit() for c in number) - 3)


@given(st.text())
def test_a_mask_never_fails_and_never_shows_a_text(anything: str) -> None:
    assert set(phone.mask(anything)) <= set("+•0123456789")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+12015550123", ("201", "555", "0123")),
        (SHANGHAI, ("138", "0013", "8000")),
        ("+442079460018", ("020", "7946", "0018")),
        ("+447400123456", ("07400", "123", "456")),
        ("+33612345678", ("06", "12", "34", "56", "78")),
        ("+4915112345678", ("01511", "234", "5678")),
        ("123", ("123",)),
        ("1234567890", ("123", "456", "7890")),
        ("", ()),
    ],
)
def test_a_number_is_said_in_the_groups_of_its_country(number: str, said: tuple[str, ...]) -> None:
    assert phone.groups(number) == said


@given(st.sampled_from(["US", "CN", "GB", "DE", "IT", "SG"]), st.integers(10**9, 10**10 - 1))
def test_no_group_is_longer_than_a_breath(region: str, digits: int) -> None:
    code = {"US": "1", "CN": "86", "GB": "44", "DE": "49", "IT": "39", "SG": "65"}[region]
    said = phone.groups(f"+{code}{digits}")
    assert said
    assert all(1 <= len(group) <= 5 and group.isdigit() for group in said)
    assert "".join(said).endswith(str(digits)[-4:])


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        (NEW_YORK, "America/New_York"),
        ("+14155550123", "America/Los_Angeles"),
        (SHANGHAI, "Asia/Shanghai"),
        ("+442079460018", "Europe/London"),
        ("+881631234567", None),
        ("nobody", None),
    ],
)
def test_a_number_tells_its_zone(number: str, zone: str | None) -> None:
    assert phone.zone_of(number) == zone


def test_of_several_zones_the_westernmost_is_told_since_its_morning_comes_last() -> None:
    everywhere = phone.zones_of("+18005551212")
    assert {"America/New_York", "America/Los_Angeles"} < set(everywhere)
    assert everywhere.index("America/Los_Angeles") < everywhere.index("America/New_York")
    assert phone.zone_of("+18005551212") == everywhere[0]


@pytest.mark.parametrize(
    ("number", "language"),
    [(NEW_YORK, "en"), ("+442079460018", "en"), (SHANGHAI, "zh"), ("+33612345678", None), ("nobody", None)],
)
def test_a_number_gives_a_first_guess_at_the_language(number: str, language: str | None) -> None:
    assert phone.spoken_language(number) == language


def test_the_companys_own_number_needs_only_a_possible_length() -> None:
    assert phone.of_ours("+15550001111") == "+15550001111"


@pytest.mark.parametrize("raw", ["", "ada", "+1", "5550001111", "+1555000111122223333"])
def test_what_is_no_number_at_all_is_refused_as_the_companys_own(raw: str) -> None:
    with pytest.raises(InvalidInput):
        phone.of_ours(raw)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_claimed_number_is_the_usable_one_for_every_country(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    example = example or phonenumbers.example_number(region)
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert phone.claimed(f" {number}") == phone.usable_caller(number) == number


@pytest.mark.parametrize(
    "raw", ["", "anonymous", "+", "+1", "+0123456789", "12125550123", "+266696687", "sip:+12125550123@example.com"]
)
def test_who_hides_claims_no_number(raw: str) -> None:
    assert phone.claimed(raw) is None


@pytest.mark.parametrize(
    ("number", "language"),
    [
        ("+12125550123", "en"),
        ("+18085550123", "en"),
        ("+15145550123", None),
        ("+18765550123", None),
        ("+19995550123", None),
    ],
)
def test_in_north_america_the_area_code_tells_the_language(number: str, language: str | None) -> None:
    assert phone.spoken_language(number) == language
