"""Tokens as somebody would forge them who knows the tests' secret."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import uuid4

from tests.backend.api import SECRET, MovableClock, Person


def claims(clock: MovableClock, person: Person | None = None) -> dict[str, Any]:
    """Return the claims of a good token: the person's own when one is given."""
    now = int(clock().timestamp())
    user, session = uuid4().hex, uuid4().hex
    if person is not None:
        mine = read_claims(person.access_token)
        user, session = mine["sub"], mine["sid"]
    return {
        "iss": "crewtune",
        "aud": "crewtune-api",
        "typ": "access",
        "sub": user,
        "sid": session,
        "jti": uuid4().hex,
        "ver": 0,
        "iat": now,
        "nbf": now,
        "exp": now + 900,
    }


def read_claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4))))


def sign(
    payload: dict[str, Any], header: dict[str, Any] | None = None, algorithm: str = "HS256"
) -> str:
    """Sign `payload` with the tests' secret."""
    whole = {"alg": algorithm, "typ": "JWT", **(header or {})}
    # As our own tokens are written, so that only what is forged differs.
    text = json.dumps(whole, separators=(",", ":"), sort_keys=True)
    return sign_text(text, json.dumps(payload), algorithm)


def sign_text(header: str, payload: str, algorithm: str = "HS256") -> str:
    """Sign what need not be JSON."""
    signed = f"{_b64(header.encode())}.{_b64(payload.encode())}"
    hashes = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}
    digest = hmac.new(SECRET.encode(), signed.encode(), hashes[algorithm]).digest()
    return f"{signed}.{_b64(digest)}"


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
