from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.security.tokens import AccessTokens, BadToken
from tests.backend.api import SECRET, MovableClock
from tests.backend.forge import claims, sign, sign_text

USER, SESSION = uuid4(), uuid4()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def tokens(clock: MovableClock) -> AccessTokens:
    return AccessTokens(SECRET.encode(), clock)


def test_a_token_says_who_and_where(tokens: AccessTokens, clock: MovableClock) -> None:
    token = tokens.read(tokens.issue(USER, SESSION, 3))

    assert (token.user_id, token.session_id, token.ver) == (USER, SESSION, 3)
    assert (token.expires_at - clock.now).total_seconds() == tokens.seconds == 900


def test_a_token_is_good_until_its_end(tokens: AccessTokens, clock: MovableClock) -> None:
    token = tokens.issue(USER, SESSION, 0)

    clock.move(seconds=899)
    tokens.read(token)

    clock.move(seconds=1)
    with pytest.raises(BadToken):
        tokens.read(token)


def test_a_token_from_the_future_is_refused(tokens: AccessTokens, clock: MovableClock) -> None:
    clock.move(seconds=600)
    token = tokens.issue(USER, SESSION, 0)
    clock.move(seconds=-600)

    with pytest.raises(BadToken):
        tokens.read(token)


def test_a_token_signed_with_another_secret_is_refused(clock: MovableClock) -> None:
    other = AccessTokens(SECRET.upper().encode(), clock).issue(USER, SESSION, 0)

    with pytest.raises(BadToken):
        AccessTokens(SECRET.encode(), clock).read(other)


def _b64(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


GOOD = '{"alg":"HS256","typ":"JWT"}'
# Each is signed with our own secret: only the claim or header is wrong.
FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "no algorithm": lambda c: sign(c, {"alg": "none"}),
    "another algorithm": lambda c: sign(c, algorithm="HS512"),
    "an unknown critical header": lambda c: sign(c, {"crit": ["x"], "x": 1}),
    "an address of keys": lambda c: sign(c, {"jku": "http://127.0.0.1:9/"}),
    "a key in the header": lambda c: sign(c, {"jwk": {"kty": "oct", "k": "AAAA"}}),
    "a key's id": lambda c: sign(c, {"kid": "../../etc/passwd"}),
    "an unencoded body": lambda c: sign(c, {"b64": False}),
    "another type": lambda c: sign(c, {"typ": "JOSE"}),
    "a header without end": lambda c: ".".join((_b64('{"a":' + "[" * 900), "e30AAAAA", "A" * 43)),
    "no expiry": lambda c: sign({k: v for k, v in c.items() if k != "exp"}),
    "an expiry in text": lambda c: sign({**c, "exp": str(c["exp"])}),
    "an expiry with a fraction": lambda c: sign({**c, "exp": c["exp"] + 0.5}),
    "an expiry that is true": lambda c: sign({**c, "exp": True}),
    "an expiry of no end": lambda c: sign_text(
        GOOD, '{"exp":1e400,"iat":1,"nbf":1,"sub":"a","jti":"b"}'
    ),
    "an expiry that is not a number": lambda c: sign_text(GOOD, '{"exp":NaN,"sub":"aaaa"}'),
    "an expiry in a year": lambda c: sign({**c, "exp": c["iat"] + 31_536_000}),
    "an expiry before its beginning": lambda c: sign({**c, "exp": c["iat"] - 1}),
    "a beginning to come": lambda c: sign({**c, "nbf": c["nbf"] + 600}),
    "an issue to come": lambda c: sign({**c, "iat": c["iat"] + 600, "exp": c["exp"] + 600}),
    "another issuer": lambda c: sign({**c, "iss": "elsewhere"}),
    "another audience": lambda c: sign({**c, "aud": "elsewhere"}),
    "several audiences": lambda c: sign({**c, "aud": ["crewtune-api"]}),
    "another kind": lambda c: sign({**c, "typ": "refresh"}),
    "a user that is a number": lambda c: sign({**c, "sub": 1}),
    "a user of another form": lambda c: sign({**c, "sub": "' OR 1=1 --"}),
    "no user": lambda c: sign({k: v for k, v in c.items() if k != "sub"}),
    "no session": lambda c: sign({k: v for k, v in c.items() if k != "sid"}),
    "no name": lambda c: sign({k: v for k, v in c.items() if k != "jti"}),
    "a version in text": lambda c: sign({**c, "ver": "0"}),
    "a version below zero": lambda c: sign({**c, "ver": -1}),
    "a claim too many": lambda c: sign({**c, "role": "admin"}),
    "claims that are a list": lambda c: sign_text(GOOD, "[1, 2, 3, 4]"),
    "claims that are no JSON": lambda c: sign_text(GOOD, "not JSON at all"),
    "claims without end": lambda c: sign_text(GOOD, "[" * 700),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_token_of_another_form_is_refused(
    tokens: AccessTokens, clock: MovableClock, forge: Callable[[dict[str, Any]], str]
) -> None:
    good = claims(clock)
    assert tokens.read(sign(good)).user_id == UUID(good["sub"])

    with pytest.raises(BadToken):
        tokens.read(forge(good))


@settings(deadline=None)
@given(st.text(max_size=300) | st.from_regex(r"[\w-]{8,60}\.[\w-]{8,60}\.[\w-]{43}"))
def test_any_text_is_a_bad_token_and_no_other_error(text: str) -> None:
    tokens = AccessTokens(SECRET.encode(), lambda: datetime.now(UTC))

    with pytest.raises(BadToken):
        tokens.read(text)


@settings(deadline=None)  # the machine may be busy
@given(st.data())
def test_a_token_with_one_other_character_is_refused(data: st.DataObject) -> None:
    tokens = AccessTokens(SECRET.encode(), MovableClock())
    token = tokens.issue(USER, SESSION, 0)
    # The last character carries two bits that mean nothing, so it is left alone.
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda one: one != token[place]))

    with pytest.raises(BadToken):
        tokens.read(token[:place] + other + token[place + 1 :])
