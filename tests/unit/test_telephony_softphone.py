"""Access tokens of browser telephones: what the carrier's own library reads in them, and who else's are refused."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant

from callback.adapters.telephony.softphone import GOOD_FOR, ApiKey, access_token
from callback.emulator.softphone import Refused, checked

KEY = ApiKey("AC" + "0" * 32, "SK" + "1" * 32, "a-secret-of-a-key-that-only-tests-know")
NOW = datetime.now(UTC).replace(microsecond=0)


def test_it_is_what_the_carriers_library_would_make() -> None:
    theirs = AccessToken(KEY.account, KEY.sid, KEY.secret, identity="ada", ttl=3600)
    theirs.add_grant(VoiceGrant(incoming_allow=True))
    made = jwt.decode(theirs.to_jwt(), KEY.secret, algorithms=["HS256"])
    ours = jwt.decode(access_token(KEY, "ada", NOW), KEY.secret, algorithms=["HS256"])
    assert (ours["iss"], ours["sub"], ours["grants"]) == (made["iss"], made["sub"], made["grants"])
    assert ours["exp"] - ours["nbf"] == GOOD_FOR.total_seconds()
    heads = [jwt.get_unverified_header(token) for token in (theirs.to_jwt(), access_token(KEY, "ada", NOW))]
    assert heads[0] == heads[1]


def test_the_carriers_library_reads_it() -> None:
    read = AccessToken.from_jwt(access_token(KEY, "ada", NOW), KEY.secret)
    assert read.valid_until == (NOW + GOOD_FOR).timestamp()


def test_no_two_are_the_same_and_the_key_is_never_shown() -> None:
    assert access_token(KEY, "ada", NOW) != access_token(KEY, "ada", NOW)
    assert KEY.secret not in repr(KEY)


def test_the_emulated_carrier_takes_it() -> None:
    claims = checked(access_token(KEY, "ada", NOW), {KEY.sid: KEY.secret}, KEY.account)
    assert claims["grants"] == {"identity": "ada", "voice": {"incoming": {"allow": True}}}


@pytest.mark.parametrize(
    ("token", "keys", "account"),
    [
        ("nonsense", {KEY.sid: KEY.secret}, KEY.account),
        (access_token(KEY, "ada", NOW), {KEY.sid: "another"}, KEY.account),
        (access_token(KEY, "ada", NOW), {}, KEY.account),
        (access_token(KEY, "ada", NOW), {KEY.sid: KEY.secret}, "AC" + "9" * 32),
        (access_token(KEY, "ada", NOW - timedelta(hours=2)), {KEY.sid: KEY.secret}, KEY.account),
    ],
    ids=["nonsense", "another secret", "no such key", "another account", "too old"],
)
def test_the_emulated_carrier_refuses_any_other(token: str, keys: dict[str, str], account: str) -> None:
    with pytest.raises(Refused):
        checked(token, keys, account)
