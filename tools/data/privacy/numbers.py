"""Find bank accounts, payment cards and national identity numbers by their check digits.

National numbers are those of the United States (SSN), the United Kingdom (NINO), Germany (IdNr),
France (NIR), Spain (DNI, NIE), Italy (codice fiscale) and the Netherlands (BSN). SSN and NINO have
no check digit, so their form decides; an SSN without dashes and a BSN need a word that names them.

Not covered: account numbers of one bank, passports, driving licences, and other countries.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from tools.data.privacy.span import PrivateSpan

# The first character comes before what must not stand before it: that is much faster to search.
_ALONE = r"(?<![\w+].)(?<![0-9][.,/\-].)"
_ENDS = r"(?!\w|[.,/\-]?[0-9])"

_CARD = re.compile(
    rf"[2-6]{_ALONE}(?:[0-9]{{13,18}}"
    r"|[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})"
    rf"{_ENDS}"
)
# First digits and lengths of the networks' cards.
_ISSUERS = re.compile(
    r"4[0-9]{15}(?:[0-9]{3})?"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}(?:[0-9]{3})?"  # Discover
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{12}(?:[0-9]{3})?"  # Maestro
)

_IBAN = re.compile(
    r"[A-Za-z](?<!\w.)[A-Za-z][0-9]{2}(?:[A-Za-z0-9]{11,30}"
    r"|([ -])[A-Za-z0-9]{4}(?:\1[A-Za-z0-9]{4}){1,7}(?:\1[A-Za-z0-9]{1,3})?)(?!\w)"
)

_SSN = re.compile(rf"[0-8]{_ALONE}[0-9]{{2}}(?:([ -])[0-9]{{2}}\1[0-9]{{4}}|[0-9]{{6}}){_ENDS}")
_SSN_WORD = re.compile(r"\b(?:ssn|social security)\b", re.IGNORECASE)
# Letters that begin no number: D, F, I, Q, U, V, and O in the second place.
_NINO = re.compile(
    r"[A-CEGHJ-PR-TW-Z](?<!\w.)[A-CEGHJ-NPR-TW-Z]"
    r"(?: ?[0-9]{6} ?| [0-9]{2} [0-9]{2} [0-9]{2} )[A-D](?!\w)"
)
_NOT_NINO = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
_IDNR = re.compile(
    rf"[1-9]{_ALONE}(?:[0-9]{{10}}|[0-9](?:([ /])[0-9]{{3}})(?:\1[0-9]{{3}}){{2}}){_ENDS}"
)
_NIR = re.compile(
    rf"[1-478]{_ALONE}(?:[0-9]{{4}}[0-9][0-9ABab][0-9]{{8}}"
    rf"|([ .])[0-9]{{2}}\1[0-9]{{2}}\1[0-9][0-9ABab]\1[0-9]{{3}}\1[0-9]{{3}}\1[0-9]{{2}}){_ENDS}"
)
_DNI = re.compile(rf"[0-9]{_ALONE}[0-9](?:[0-9]{{6}}|(?:\.[0-9]{{3}}){{2}})-?[A-Za-z](?!\w)")
_NIE = re.compile(r"[XYZxyz](?<!\w.)-?[0-9]{7}-?[A-Za-z](?!\w)")
_CODICE_FISCALE = re.compile(
    r"[A-Za-z](?<!\w.)[A-Za-z]{5}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]"
    r"(?!\w)",
    re.IGNORECASE,
)
_BSN = re.compile(rf"[0-9]{_ALONE}(?:[0-9]{{8}}|[0-9]{{3}}([. ])[0-9]{{2}}\1[0-9]{{3}}){_ENDS}")
_BSN_WORD = re.compile(
    r"\b(?:bsn|burger ?service ?nummer|sofi-?nummer|citizen service number)\b", re.IGNORECASE
)
_LOOK_BACK = 40
_ALNUM = re.compile(r"[^0-9A-Za-z]+")


def accounts_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the IBANs of `text`: length and form of the country, and the checksum."""
    position = 0
    while match := _IBAN.search(text, position):
        end = _iban_end(text, match.start(), match.end())
        if end is not None:
            yield PrivateSpan("iban", match.start(), end)
        position = end or match.start() + 1


def cards_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the payment card numbers of `text`: a network's digits, and the Luhn checksum."""
    for match in _checked(_CARD, text, _is_card):
        yield PrivateSpan("card", match.start(), match.end())


def national_ids_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the national identity numbers of `text`."""
    for pattern, is_one in _NATIONAL:
        for match in _checked(pattern, text, is_one):
            yield PrivateSpan("national_id", match.start(), match.end())


def bare(number: str) -> str:
    """Return the letters and digits of `number`, in upper case."""
    return _ALNUM.sub("", number).upper()


_Check = Callable[[re.Match[str]], bool]


def _checked(pattern: re.Pattern[str], text: str, is_one: _Check) -> Iterator[re.Match[str]]:
    """Yield the matches that pass the check. After another, the next may begin within it."""
    position = 0
    while match := pattern.search(text, position):
        if good := is_one(match):
            yield match
        position = match.end() if good else match.start() + 1


def _iban_end(text: str, start: int, end: int) -> int | None:
    """Return where the IBAN ends: what is too long for its country is words that follow it."""
    from stdnum import iban

    characters = _iban_characters(text[start : start + 2].upper())
    in_groups = text[start + 4 : start + 5] in (" ", "-")
    last = start + characters + (characters - 1) // 4 * in_groups
    if not characters or last > end or text[last : last + 1].isalnum():
        return None
    # A country's own check digits are not asked for: the checksum over all is enough.
    return last if iban.is_valid(text[start:last], check_country=False) else None


@cache
def _iban_characters(country: str) -> int:
    """Return how long the IBANs of `country` are, or 0 where it has none."""
    from stdnum import numdb

    form = numdb.get("iban").info(country)[0][1].get("bban", "")
    return sum(map(int, re.findall(r"[0-9]+", form))) + len("DE89") if form else 0


def _is_card(match: re.Match[str]) -> bool:
    from stdnum import luhn

    digits = bare(match[0])
    return _ISSUERS.fullmatch(digits) is not None and luhn.is_valid(digits)


def _named(match: re.Match[str], word: re.Pattern[str]) -> bool:
    start = match.start()
    return word.search(match.string, max(0, start - _LOOK_BACK), start) is not None


def _is_ssn(match: re.Match[str]) -> bool:
    from stdnum.us import ssn

    return ssn.is_valid(bare(match[0])) and (match[1] == "-" or _named(match, _SSN_WORD))


def _is_nino(match: re.Match[str]) -> bool:
    return not match[0].startswith(_NOT_NINO)


def _is_idnr(match: re.Match[str]) -> bool:
    from stdnum.de import idnr

    return idnr.is_valid(bare(match[0]))


def _is_nir(match: re.Match[str]) -> bool:
    from stdnum.fr import nir

    return nir.is_valid(bare(match[0]))


def _is_dni(match: re.Match[str]) -> bool:
    from stdnum.es import dni

    return dni.is_valid(bare(match[0]))


def _is_nie(match: re.Match[str]) -> bool:
    from stdnum.es import nie

    return nie.is_valid(bare(match[0]))


def _is_codice_fiscale(match: re.Match[str]) -> bool:
    from stdnum.it import codicefiscale

    return codicefiscale.is_valid(match[0].upper())


def _is_bsn(match: re.Match[str]) -> bool:
    from stdnum.nl import bsn

    return _named(match, _BSN_WORD) and bsn.is_valid(bare(match[0]))


_NATIONAL = (
    (_SSN, _is_ssn),
    (_NINO, _is_nino),
    (_IDNR, _is_idnr),
    (_NIR, _is_nir),
    (_DNI, _is_dni),
    (_NIE, _is_nie),
    (_CODICE_FISCALE, _is_codice_fiscale),
    (_BSN, _is_bsn),
)
