"""Make private values that are true in form, and what only looks like them, from a seed.

Check digits are reckoned here from the published rules, and nothing is shared with what is
measured. Nobody owns the values, except by chance.
"""

import random
import string
from collections.abc import Callable

_CONSONANTS = "BCDFGHLMNPRSTVZ"
_DIGITS = string.digits
_LETTERS = string.ascii_uppercase
_BASE62 = string.ascii_letters + string.digits

# Area codes in use, with the lengths of what follows them.
_PHONES = {
    "49": (("151", 8), ("30", 8), ("89", 7), ("171", 7)),
    "44": (("7400", 6), ("207", 7), ("161", 7)),
    "33": (("612", 6), ("14", 7)),
    "1": (("415", 7), ("212", 7), ("646", 7)),
    "34": (("612", 6),),
    "91": (("98", 8),),
}
# Country, digits of the account part.
_IBANS = (("DE", 18), ("AT", 16), ("CH", 17), ("DK", 14), ("PL", 24))
_CARDS = (("4", 16), ("51", 16), ("55", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16))
# What a letter or digit in an odd place counts for, 0 to 9 and then A to Z.
_ODD_PLACES = (
    "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
)
_CODICE_ODD = dict(zip(_DIGITS + _LETTERS, map(int, _ODD_PLACES.split()), strict=True))


def value_of(kind: str, dice: random.Random) -> str:
    """Return a value of `kind` in one of its spellings."""
    return _MAKERS[kind](dice)


def _some(dice: random.Random, letters: str, length: int) -> str:
    return "".join(dice.choice(letters) for _ in range(length))


def _email(dice: random.Random) -> str:
    first = dice.choice(["anna", "li.wei", "o.brien", "Marie-Luise", "k_jones", "jürgen", "x"])
    tag = dice.choice(["", "", "+news", str(dice.randrange(1, 99))])
    host = dice.choice(["firm", "uni-bonn", "mail.post", "a1b2", "müller"])
    address = f"{first}{tag}@{host}.{dice.choice(['de', 'com', 'co.uk', 'org', 'museum', 'io'])}"
    return address.upper() if dice.random() < 0.1 else address


def _phone(dice: random.Random) -> str:
    country = dice.choice(sorted(_PHONES))
    area, length = dice.choice(_PHONES[country])
    # North American exchanges begin with 2 to 9, and 555 is kept for fiction.
    rest = dice.choice("2346789") + dice.choice("234678") + _some(dice, _DIGITS, length - 2)
    if country == "1":
        # Without the country code, as it is spelled where the benchmark says it is spoken.
        home = [f"({area}) {rest[:3]}-{rest[3:]}", f"{area}-{rest[:3]}-{rest[3:]}"]
        abroad = [f"+1 {area} {rest[:3]} {rest[3:]}", f"+1-{area}-{rest[:3]}-{rest[3:]}"]
        return dice.choice([*home, *abroad, f"+1{area}{rest}", f"+1.{area}.{rest[:3]}.{rest[3:]}"])
    half = len(rest) // 2
    grouped = f"{rest[:half]} {rest[half:]}"
    spellings = [
        f"+{country}{area}{rest}",
        f"+{country} {area} {rest}",
        f"+{country}-{area}-{rest}",
    ]
    return dice.choice([*spellings, f"+{country} {area} {grouped}", f"00{country} {area} {rest}"])


def _number_of(text: str) -> int:
    return int("".join(str(int(one, 36)) for one in text))


def _iban(dice: random.Random) -> str:
    country, length = dice.choice(_IBANS)
    account = _some(dice, _DIGITS, length)
    number = f"{country}{98 - _number_of(f'{account}{country}00') % 97:02}{account}"
    groups = [number[i : i + 4] for i in range(0, len(number), 4)]
    return dice.choice([number, number.lower(), " ".join(groups), "-".join(groups)])


def _luhn(digits: str) -> str:
    doubled = [int(one) * (2 - i % 2) for i, one in enumerate(reversed(digits))]
    return str(-sum(one // 10 + one % 10 for one in doubled) % 10)


def _card(dice: random.Random) -> str:
    prefix, length = dice.choice(_CARDS)
    digits = prefix + _some(dice, _DIGITS, length - len(prefix) - 1)
    digits += _luhn(digits)
    ends = (4, 8, 12, 16) if length == 16 else (4, 10, 15)
    groups = [digits[a:b] for a, b in zip((0, *ends), ends, strict=False)]
    return dice.choice([digits, " ".join(groups), "-".join(groups)])


def _ip(dice: random.Random) -> str:
    if dice.random() < 0.3:
        tail = ":".join(f"{dice.randrange(1, 65536):x}" for _ in range(dice.choice([2, 6])))
        return f"2a{dice.randrange(256):02x}:{dice.randrange(4096, 65536):x}" + (
            f":{tail}" if tail.count(":") == 5 else f"::{tail}"
        )
    # Networks that are given out as a whole, so that every address in them is routed.
    first = dice.choice([8, 13, 34, 52, 81, 93, 151, 185])
    return f"{first}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"


def _ssn(dice: random.Random) -> str:
    return f"{dice.randrange(100, 660)}-{dice.randrange(1, 100):02}-{dice.randrange(1, 10000):04}"


def _nino(dice: random.Random) -> str:
    letters = dice.choice("ABCEHJLMPRSW") + dice.choice("ABCEHJLMPRSW")
    pairs = [_some(dice, _DIGITS, 2) for _ in range(3)]
    mark = dice.choice(["", " "])
    return mark.join([letters, *pairs, dice.choice("ABCD")])


def _idnr(dice: random.Random) -> str:
    # One digit stands twice, one is missing, the other eight stand once; the first is not 0.
    kept = dice.sample(_DIGITS, 9)
    digits = [*kept, kept[0]]
    dice.shuffle(digits)
    while digits[0] == "0":
        dice.shuffle(digits)
    product = 10
    for one in digits:
        total = (int(one) + product) % 10 or 10
        product = total * 2 % 11
    number = "".join(digits) + str((11 - product) % 10)
    return dice.choice([number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])


def _nir(dice: random.Random) -> str:
    parts = [dice.choice("12"), f"{dice.randrange(100):02}", f"{dice.randrange(1, 13):02}"]
    parts += [f"{dice.randrange(1, 96):02}", f"{dice.randrange(1, 991):03}"]
    parts += [f"{dice.randrange(1, 1000):03}"]
    if parts[3] == "20":
        parts[3] = "21"
    key = 97 - int("".join(parts)) % 97
    return dice.choice(["", " "]).join([*parts, f"{key:02}"])


def _dni(dice: random.Random) -> str:
    number = dice.randrange(10**8)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    return f"{number:08}{dice.choice(['', '-'])}{letter}"


def _nie(dice: random.Random) -> str:
    first, number = dice.randrange(3), dice.randrange(10**7)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[(first * 10**7 + number) % 23]
    return dice.choice(["", "-"]).join(["XYZ"[first], f"{number:07}", letter])


def _codice(dice: random.Random) -> str:
    born = f"{dice.randrange(40, 100):02}{dice.choice('ABCDEHLMPRST')}{dice.randrange(1, 29):02}"
    # H501 is Rome, F205 Milan.
    body = _some(dice, _CONSONANTS, 6) + born + dice.choice(["H501", "F205"])
    odd = sum(_CODICE_ODD[one] for one in body[::2])
    even = sum(int(one) if one.isdigit() else ord(one) - ord("A") for one in body[1::2])
    return body + _LETTERS[(odd + even) % 26]


def _bsn(dice: random.Random) -> str:
    while True:
        digits = dice.choice("123") + _some(dice, _DIGITS, 7)
        last = sum(int(one) * (9 - i) for i, one in enumerate(digits)) % 11
        if last < 10:
            return f"BSN {digits}{last}"


def _national_id(dice: random.Random) -> str:
    return dice.choice([_ssn, _nino, _idnr, _nir, _dni, _nie, _codice, _bsn])(dice)


def _secret(dice: random.Random) -> str:
    form = dice.choice(_SECRET_FORMS)
    return form[0] + _some(dice, form[1], form[2])


_SECRET_FORMS = (
    ("AKIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    ("ghp_", _BASE62, 36),
    ("glpat-", _BASE62, 20),
    ("xoxb-1", _DIGITS + _BASE62, 40),
    ("sk-proj-", _BASE62, 48),
    ("sk-ant-api03-", _BASE62 + "_", 95),
    ("hf_", _BASE62, 34),
    ("AIzaSy", _BASE62 + "-", 33),
    ("sk_live_", _BASE62, 24),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", _BASE62 + "-_", 43),
    ("password=", _BASE62 + "!$%&", 14),
    ("api_key: ", string.hexdigits[:16], 32),
)


def _url_credentials(dice: random.Random) -> str:
    user = dice.choice(["bob", "deploy", "svc-build", ""])
    return f"{user}:{_some(dice, _BASE62 + '!$*-_@', 12)}"


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": _email,
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "ip": _ip,
    "national_id": _national_id,
    "secret": _secret,
    "url_credentials": _url_credentials,
}
