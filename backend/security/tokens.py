"""Access tokens: JSON web tokens that name a user and the session they are signed in with.

The only module that imports jose. jose checks the signature and nothing else: what it leaves open
(a choice of algorithm, unknown headers, claims that are missing or no numbers, errors of many
types) is closed here. Every token in trouble is the same `BadToken`.

Not covered: whether the session goes on and the user may still sign in; the database knows.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from jose import jws  # type: ignore[import-untyped]
from jose.backends import HMACKey  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field

from backend.security.secret_key import check_secret

_ALGORITHM = "HS256"
_LIFE = timedelta(minutes=15)
_LEEWAY_SECONDS = 5
_SHAPE = re.compile(r"[A-Za-z0-9_-]{8,128}\.[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{43}")
_HEX_ID = r"^[0-9a-f]{32}$"


class BadToken(Exception):
    """The token is not one of ours, or no longer good. There is no saying why."""


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    iss: Literal["crewtune"]
    aud: Literal["crewtune-api"]
    typ: Literal["access"]
    sub: str = Field(pattern=_HEX_ID)
    sid: str = Field(pattern=_HEX_ID)
    jti: str = Field(pattern=_HEX_ID)
    ver: int = Field(ge=0)
    iat: int
    nbf: int
    exp: int


class AccessToken(BaseModel):
    """What a good access token says."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    session_id: UUID
    ver: int
    expires_at: datetime


class AccessTokens:
    """Makes and reads access tokens."""

    seconds = int(_LIFE.total_seconds())

    def __init__(self, secret: bytes, clock: Callable[[], datetime]) -> None:
        # A key object: jose takes bytes that happen to be JSON for a list of keys.
        self._key = HMACKey(check_secret(secret, "the tokens' key"), _ALGORITHM)
        self._clock = clock
        self._header = self._sign(b"{}").partition(".")[0]

    def issue(self, user_id: UUID, session_id: UUID, ver: int) -> str:
        """Return a token that is good for 15 minutes."""
        now = int(self._clock().timestamp())
        claims = _Claims(
            iss="crewtune",
            aud="crewtune-api",
            typ="access",
            sub=user_id.hex,
            sid=session_id.hex,
            jti=uuid4().hex,
            ver=ver,
            iat=now,
            nbf=now,
            exp=now + self.seconds,
        )
        return self._sign(claims.model_dump_json().encode())

    def read(self, token: str) -> AccessToken:
        """Return what `token` says.

        Raises:
            BadToken: It is not ours, not begun, over, or anything else.
        """
        try:
            claims = self._verified(token)
        except BadToken:
            raise
        except Exception as error:  # jose, json and pydantic fail in many ways, recursion too
            raise BadToken from error
        now = self._clock().timestamp()
        begun = max(claims.iat, claims.nbf) <= now + _LEEWAY_SECONDS
        if not (begun and now < claims.exp and 0 < claims.exp - claims.iat <= self.seconds):
            raise BadToken
        return AccessToken(
            user_id=UUID(claims.sub),
            session_id=UUID(claims.sid),
            ver=claims.ver,
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    def _verified(self, token: str) -> _Claims:
        # Our header is always the same text, so no other is ever read: no algorithm to choose, no
        # `crit`, `jku` or `kid`, and nothing nested to trip over before the signature is checked.
        if not _SHAPE.fullmatch(token) or token.partition(".")[0] != self._header:
            raise BadToken
        claims = jws.verify(token, self._key, algorithms=[_ALGORITHM])
        return _Claims.model_validate_json(claims)

    def _sign(self, claims: bytes) -> str:
        signed: str = jws.sign(claims, self._key, algorithm=_ALGORITHM)
        return signed
