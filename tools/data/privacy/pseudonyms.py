"""Stand-ins for private values: the same one for the same value throughout a dataset.

Values are numbered as they first appear, so that the same rows give the same result. Stand-ins are
addresses and numbers set aside for documentation, which belong to nobody; where a kind has none,
or they run out, it is a token such as `[IBAN-3]`.

State: 16 bytes of digest a distinct value, some 200 bytes in all with what Python adds.
"""

from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tools.data.privacy.kinds import Kind
from tools.data.privacy.numbers import bare
from tools.data.privacy.phones import canonical_phone

_EXACT: tuple[Kind, ...] = ("secret", "url_credentials")
_BARE: tuple[Kind, ...] = ("iban", "card", "national_id")
_DOCUMENTATION_IPV4 = [
    address
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    for address in ip_network(network).hosts()
]
_DOCUMENTATION_IPV6 = int(IPv6Address("2001:db8::"))
_MOST_IPV6 = 2**32
# 555-0100 to 555-0199 are kept for fiction in every area of North America.
_FICTIONAL_LINES = 100
_AREAS = [area for area in range(201, 990) if area % 100 != 11 and area // 10 % 10 != 9]


class Pseudonyms:
    """Gives each private value a stand-in, the same one each time."""

    def __init__(self, phone_region: str = "") -> None:
        """Begin with no value known; `phone_region` reads numbers without a country code."""
        self._phone_region = phone_region
        # Digests, so that the values themselves are not kept.
        self._numbers: dict[str, dict[bytes, int]] = {}

    def of(self, kind: Kind, value: str) -> str:
        """Return the stand-in for `value`, whatever its case and spacing."""
        group: str = kind
        if kind == "ip":
            group = f"ip{ip_address(value).version}"
        known = self._numbers.setdefault(group, {})
        key = _canonical(kind, value, self._phone_region)
        # Half of a surrogate pair, which JSON may hold, is hashed as it is.
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return _stand_in(group, kind, known.setdefault(digest, len(known) + 1))


def mask_of(kind: Kind) -> str:
    """Return what stands for every value of `kind`, e.g. `[EMAIL]`."""
    return f"[{kind.upper()}]"


def _canonical(kind: Kind, value: str, phone_region: str) -> str:
    if kind in _EXACT:
        return value
    if kind in _BARE:
        return bare(value)
    if kind == "phone":
        return canonical_phone(value, phone_region)
    if kind == "ip":
        return ip_address(value).compressed
    return " ".join(value.casefold().split())


def _stand_in(group: str, kind: Kind, number: int) -> str:
    token = f"[{group.upper()}-{number}]"
    if kind == "email":
        return f"person{number}@example.com"
    if kind == "phone":
        area, line = divmod(number - 1, _FICTIONAL_LINES)
        return f"+1 {_AREAS[area]} 555 01{line:02}" if area < len(_AREAS) else token
    if group == "ip4":
        return str(_ipv4(number)) if number <= len(_DOCUMENTATION_IPV4) else f"[IP-{number}]"
    if group == "ip6":
        return str(IPv6Address(_DOCUMENTATION_IPV6 + number % _MOST_IPV6))
    return token


def _ipv4(number: int) -> IPv4Address | IPv6Address:
    return _DOCUMENTATION_IPV4[number - 1]
