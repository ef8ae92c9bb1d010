"""Find phone numbers: those with a country code, and those of one named country without.

A number counts when it is one that its country gives out. Without a country code it must also be
written in groups, or follow a word such as `phone`, since bare digits are mostly something else.

The numbers with 555-0100 to 555-0199, which North America keeps for fiction, belong to nobody.

Not covered: extensions, short numbers such as 112, and numbers in words.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tools.data.privacy.span import PrivateSpan
from tools.errors import DatasetError

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_SEPARATORS = r" .()/\-\u00a0\u2009\u2010\u2011\u2013"
_INTERNATIONAL = re.compile(rf"(?:\(?\+|00 ?)(?=[(1-9])[0-9{_SEPARATORS}]{{6,28}}")
_NATIONAL = re.compile(rf"\(?[0-9][0-9{_SEPARATORS}]{{5,22}}")
_GROUP_END = re.compile(r"[0-9](?![0-9])")
_DIGIT = re.compile(r"[0-9]")
# Not within a word or a longer number, a sum of money, a path or a web address.
_JOINED = re.compile(r"(?:[\w+#%=]|[0-9][.,\-]|[\w./-][/-]|[$€£¥] ?)$")
_PHONE_WORD = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|call(?:ed|ing)?|fax|sms|text|whatsapp|telefon|handy)\b"
    r"\W{0,3}(?:(?:number|no|nr|is|me|us|at|on|him|her)\W{0,3}){0,4}$",
    re.IGNORECASE,
)
_LOOK_BACK = 40
_FICTIONAL = re.compile(r"[2-9][0-9]{2}55501[0-9]{2}")
_NORTH_AMERICA = 1
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15


def phones_in(text: str, region: str = "") -> Iterator[PrivateSpan]:
    """Yield the phone numbers of `text`; those without a country code only of `region`."""
    if "+" in text or "00" in text:
        yield from _international(text)
    if region:
        yield from _national(text, region)


def refuse_unknown_region(region: str) -> None:
    """Refuse a region that has no phone numbers.

    Raises:
        DatasetError: `region` is neither empty nor the two letters of a country.
    """
    _form(region)


def canonical_phone(value: str, region: str) -> str:
    """Return a phone number as +, country code and digits, however it is spelled."""
    from phonenumbers import PhoneNumberFormat, format_number

    number = _parsed(_with_plus(value), region)
    if number is None:
        return "".join(_DIGIT.findall(value))
    return format_number(number, PhoneNumberFormat.E164)


def _international(text: str) -> Iterator[PrivateSpan]:
    position = 0
    while match := _INTERNATIONAL.search(text, position):
        start = match.start()
        end = None
        if not _joined(text, start):
            end = _longest_number(text, start, match.end(), region="")
        if end is not None and match[0].startswith("00") and _bare(text, start, end):
            end = None
        if end is not None:
            yield _span(text, start, end)
        position = end or start + 1


def _national(text: str, region: str) -> Iterator[PrivateSpan]:
    position = 0
    while match := _NATIONAL.search(text, position):
        start = match.start()
        end = None
        if not _joined(text, start):
            end = _longest_number(text, start, match.end(), region)
        if end is not None and not _bare(text, start, end):
            yield _span(text, start, end)
        # The number may begin at a later group: 2024 may be a year that stands before it.
        group = _GROUP_END.search(text, start)
        position = end or (group.end() if group else len(text))


def _span(text: str, start: int, end: int) -> PrivateSpan:
    around = text[start] == "(" and text.count("(", start, end) > text.count(")", start, end)
    return PrivateSpan("phone", start + around, end)


def _joined(text: str, start: int) -> bool:
    return _JOINED.search(text[max(0, start - 2) : start]) is not None


def _bare(text: str, start: int, end: int) -> bool:
    """Return whether nothing but its digits says that it is a phone number."""
    if not text[start:end].isdigit():
        return False
    return _PHONE_WORD.search(text[max(0, start - _LOOK_BACK) : start]) is None


def _longest_number(text: str, start: int, end: int, region: str) -> int | None:
    """Return where the longest number from `start` ends, without the groups that are not of it."""
    window = text[start:end]
    ends = [match.end() for match in _GROUP_END.finditer(window)]
    form = _form(region)
    for groups in range(min(len(ends), form.most_groups), 0, -1):
        last = ends[groups - 1]
        digits = len(_DIGIT.findall(window[:last]))
        if digits < _FEWEST_DIGITS:
            return None
        possible = digits in form.lengths and not _goes_on(text, start + last, region)
        if possible and _somebodys(_with_plus(window[:last]), region):
            return start + last
    return None


def _goes_on(text: str, end: int, region: str) -> bool:
    after = text[end : end + 2]
    # Without a country code, more digits behind a dash make it the number of an order.
    if region and after[:1] in ("-", "/", ".") and after[1:].isdigit():
        return True
    return (after[:1].isalnum() and after[0] not in "xX") or after[:1] in ("_", "%")


class _Form(NamedTuple):
    """What tells cheaply that some digits are no number of a country, as most are not."""

    lengths: frozenset[int]
    most_groups: int


_WITH_COUNTRY_CODE = _Form(frozenset(range(_FEWEST_DIGITS, _MOST_DIGITS + len("00") + 1)), 9)


@cache
def _form(region: str) -> _Form:
    if not region:
        return _WITH_COUNTRY_CODE
    from phonenumbers import PhoneMetadata

    country = PhoneMetadata.metadata_for_region(region)
    if country is None or country.general_desc is None:
        raise DatasetError(
            f"{region!r} is not a country with phone numbers. Use its two letters, such as US."
        )
    lengths = country.general_desc.possible_length
    prefix = len(country.national_prefix or "")
    groups = max(((one.pattern or "").count("(") for one in country.number_format), default=4)
    return _Form(frozenset(one + more for one in lengths for more in (0, prefix)), groups + 1)


def _somebodys(number: str, region: str) -> bool:
    from phonenumbers import Leniency, PhoneNumberMatcher, is_valid_number

    parsed = _parsed(number, region)
    if parsed is None or not is_valid_number(parsed):
        return False
    if parsed.country_code == _NORTH_AMERICA and _FICTIONAL.fullmatch(str(parsed.national_number)):
        return False
    if not region or number.isdigit():
        return True
    return any(PhoneNumberMatcher(number, region, Leniency.STRICT_GROUPING))


def _parsed(number: str, region: str) -> "PhoneNumber | None":
    from phonenumbers import NumberParseException, parse

    try:
        return parse(number, region or None)
    except NumberParseException:
        return None


def _with_plus(number: str) -> str:
    """Return `number` with + for 00, which only some countries dial."""
    return "+" + number[2:].lstrip() if number.startswith("00") else number
