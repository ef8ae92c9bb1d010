"""Find the private values of a text.

Each kind is told by its structure: checksums, the lengths that a country or a network gives out,
the prefixes of keys. What belongs to nobody, such as example.com, is left alone.

Not covered: values in disguise (`anna at firm dot de`), in digits other than 0 to 9, or encoded;
and what only a reader recognises, such as an address or an illness.
"""

import re
from collections.abc import Iterator

from tools.data.privacy.addresses import emails_in, ip_addresses_in
from tools.data.privacy.credentials import secrets_in, url_credentials_in
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.privacy.names import load_names
from tools.data.privacy.numbers import accounts_in, cards_in, national_ids_in
from tools.data.privacy.phones import phones_in, refuse_unknown_region
from tools.data.privacy.span import Finder, PrivateSpan, without_overlaps

_DIGIT = re.compile(r"[0-9]")


def find_private(
    text: str, *, phone_region: str = "", names: Finder | None = None
) -> tuple[PrivateSpan, ...]:
    """Return the private values of `text` in its order; none overlaps another.

    Args:
        text: Any text.
        phone_region: Country whose phone numbers are found without a country code, e.g. US.
        names: What finds names of persons; without it none are sought.

    Raises:
        DatasetError: There is no such country.
    """
    spans = [*emails_in(text), *url_credentials_in(text), *secrets_in(text)]
    if _DIGIT.search(text):
        spans.extend(_numbers(text, phone_region))
    if names:
        spans.extend(names(text))
    return without_overlaps(spans)


def finder_of(policy: PrivacyPolicy) -> Finder:
    """Return what finds the private values of a text under `policy`.

    Raises:
        DatasetError: There is no such country, or no such pipeline for names.
    """
    refuse_unknown_region(policy.phone_region)
    names = load_names(policy.name_pipeline) if policy.name_pipeline else None
    return lambda text: find_private(text, phone_region=policy.phone_region, names=names)


def _numbers(text: str, phone_region: str) -> Iterator[PrivateSpan]:
    yield from accounts_in(text)
    yield from cards_in(text)
    yield from national_ids_in(text)
    yield from phones_in(text, phone_region)
    yield from ip_addresses_in(text)
