"""Find e-mail addresses and IP addresses.

Addresses that belong to nobody are not private: those of example.com and of the other names that
are set aside for documentation, and IP addresses that are not routed on the internet.

Not covered: addresses in disguise, such as `anna at firm dot de`, and quoted local parts.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from tools.data.privacy.span import PrivateSpan

_LOCAL_CHARACTERS = 64  # as many as RFC 5321 allows
# Matched against the reversed text before the @, so that a long run is not searched from its start.
_LOCAL_REVERSED = re.compile(r"[\w.%+'-]+")
_DOMAIN = re.compile(
    r"@([\w-]{1,63}+(?:\.[\w-]{1,63}+){0,8}\.(?:xn--[a-z0-9-]{2,20}|[^\W\d_]{2,24}))(?![\w-])"
)
_RESERVED_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|net|org)|example|test|invalid|localhost)", re.IGNORECASE
)
# icon@2x.png is a file for a screen of twice the resolution.
_FILE_NAME = re.compile(r"[1-9]x\.(?:png|jpe?g|gif|webp|svg|avif)", re.IGNORECASE)

_USER_OF_URL = re.compile(r"://[^\s/?#:@]*:$")
_LONGEST_USER = 64

# Not package-1.2.3.4.tar.gz, which is a version.
_IPV4 = re.compile(
    r"[0-9](?<![\w.][0-9])(?<![A-Za-z]-[0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|-[A-Za-z]|\.\w)"
)
# Only 2000::/3 is given to anybody, and most that has two colons in it is source code.
_IPV6 = re.compile(r"[23](?<![\w:.][23])[0-9a-fA-F]{3}:[0-9a-fA-F:]{2,34}(?![\w:])")
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|version|release|build|section|chapter|firmware|driver|update|patch)[\s:.=]{0,3}"
    r"|[A-Za-z]/|==|[~^])$",
    re.IGNORECASE,
)
_LOOK_BACK = 12


def emails_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the e-mail addresses of `text`."""
    if "@" not in text:
        return
    for match in _DOMAIN.finditer(text):
        at = match.start()
        local = _LOCAL_REVERSED.match(text[max(0, at - _LOCAL_CHARACTERS) : at][::-1])
        start = at - len(local[0][::-1].lstrip("'.-")) if local else at
        if start < at and _somebodys(text[start:at], match[1]) and not _password(text, start):
            yield PrivateSpan("email", start, match.end())


def reserved_domain(domain: str) -> bool:
    """Return whether `domain` is set aside for documentation and tests."""
    return _RESERVED_DOMAIN.fullmatch(domain) is not None


def _somebodys(local: str, domain: str) -> bool:
    # git@github.com is how everybody signs in to fetch a repository.
    return not (local == "git" or reserved_domain(domain) or _FILE_NAME.fullmatch(domain))


def _password(text: str, start: int) -> bool:
    """Return whether what begins at `start` is the password of a URL."""
    return _USER_OF_URL.search(text[max(0, start - _LONGEST_USER) : start]) is not None


def ip_addresses_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the IP addresses of `text` that are routed on the internet."""
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        if _routed(match[0]) and not _VERSION_BEFORE.search(before):
            yield PrivateSpan("ip", match.start(), match.end())
    for match in _IPV6.finditer(text):
        address = match[0] if match[0].endswith("::") else match[0].rstrip(":")
        if _routed(address):
            yield PrivateSpan("ip", match.start(), match.start() + len(address))


def _routed(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False
