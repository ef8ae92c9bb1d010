"""How much of the private data in made-up sentences is found, and how much of what is found is.

Sentences with one private value each, and sentences with what only looks like one, are made from a
seed. A value counts as found when kind, start and end are right; a find counts as right the same
way. The table is Markdown, for docs/.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict
from rich.console import Console

from benchmarks.private_values import value_of
from tools.data.privacy.detect import find_private
from tools.data.privacy.kinds import KINDS, Kind

# Names are left to a library, and are as good as the pipeline that the user names.
MEASURED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "name")

_SENTENCES = (
    "{}",
    "Please note {} for later.",
    "It was ({}) all along, he said",
    "Customer wrote:\n{}\nand asked for help.",
    "Use {}, not the old one.",
    "Is it {}? I am not sure.",
    "On 3 May 2024 we got '{}' back.",
    '{{"row": 17, "value": "{}"}}',
)
_URL_SENTENCES = (
    "git clone https://{}@git.firm.de/team/app.git",
    "DATABASE=postgres://{}@db.firm.de:5432/main",
    "Open ftp://{}@10.0.0.7/backup now.",
)


class Sentence(BaseModel):
    """A text and where its private value stands, if it has one."""

    model_config = ConfigDict(frozen=True)

    text: str
    kind: Kind | None = None
    start: int = 0
    end: int = 0


class Figures(BaseModel):
    """How well one kind is found."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    precision: float
    recall: float
    rows: int


def main() -> int:
    """Measure, print the table, and return 0 when every kind keeps the bound."""
    parser = argparse.ArgumentParser(prog="benchmarks.privacy", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=2_000, help="sentences a kind")
    parser.add_argument("--bound", type=float, default=0.95, help="of precision and of recall")
    given = parser.parse_args()
    sentences = make_sentences(given.rows, given.seed)
    began = time.perf_counter()
    figures = measure(sentences)
    seconds = time.perf_counter() - began
    console = Console(highlight=False)
    console.print("| kind | precision | recall | rows |\n|---|---:|---:|---:|")
    for one in figures:
        console.print(f"| {one.kind} | {one.precision:.4f} | {one.recall:.4f} | {one.rows:,} |")
    lookalikes = sum(sentence.kind is None for sentence in sentences)
    console.print(f"\n{lookalikes:,} further rows hold only what looks private.", soft_wrap=True)
    console.print(f"{len(sentences) / seconds:,.0f} rows a second.")
    return 0 if all(min(one.precision, one.recall) >= given.bound for one in figures) else 1


def make_sentences(rows: int, seed: int) -> list[Sentence]:
    """Return `rows` sentences of every kind, and as many of each thing that only looks private."""
    dice = random.Random(seed)
    private = [_private(kind, dice) for kind in MEASURED for _ in range(rows)]
    lookalikes = [
        Sentence(text=dice.choice(_SENTENCES).format(make(dice)))
        for make in _LOOKALIKES
        for _ in range(rows)
    ]
    return private + lookalikes


def measure(sentences: Sequence[Sentence]) -> list[Figures]:
    """Return the figures of every kind over `sentences`. Phones without + are those of the US."""
    true, finds, right = Counter[Kind](), Counter[Kind](), Counter[Kind]()
    for sentence in sentences:
        if sentence.kind:
            true[sentence.kind] += 1
        for span in find_private(sentence.text, phone_region="US"):
            finds[span.kind] += 1
            right[span.kind] += span == (sentence.kind, sentence.start, sentence.end)
    return [
        Figures(
            kind=kind,
            precision=right[kind] / finds[kind] if finds[kind] else 0.0,
            recall=right[kind] / true[kind],
            rows=true[kind],
        )
        for kind in MEASURED
    ]


def _private(kind: Kind, dice: random.Random) -> Sentence:
    value = value_of(kind, dice)
    form = dice.choice(_URL_SENTENCES if kind == "url_credentials" else _SENTENCES)
    text = form.format(value)
    start = text.index(value)
    # The word that names a value is no part of it.
    for word in ("password=", "api_key: ", "BSN "):
        if value.startswith(word):
            start, value = start + len(word), value.removeprefix(word)
    return Sentence(text=text, kind=kind, start=start, end=start + len(value))


def _digits(dice: random.Random, length: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(length))


def _hex(dice: random.Random, length: int) -> str:
    return "".join(dice.choice("0123456789abcdef") for _ in range(length))


def _date(dice: random.Random) -> str:
    year, month, day = dice.randrange(1900, 2100), dice.randrange(1, 13), dice.randrange(1, 29)
    forms = [f"{year}-{month:02}-{day:02}", f"{day:02}.{month:02}.{year}", f"{month}/{day}/{year}"]
    clock = f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"
    return dice.choice([*forms, f"{forms[0]}T{clock}Z", f"{forms[0]} {clock}+02:00", clock])


def _price(dice: random.Random) -> str:
    amount = dice.randrange(10**9)
    forms = [f"${amount:,}.{amount % 100:02}", f"{amount:,} EUR".replace(",", "."), f"{amount} USD"]
    return dice.choice(forms)


def _order(dice: random.Random) -> str:
    forms = [f"order {_digits(dice, n)}" for n in (6, 8, 9, 10, 11, 12, 16)]
    forms += [f"invoice 2024-{_digits(dice, 4)}-{_digits(dice, 3)}", f"RE{_digits(dice, 9)}"]
    return dice.choice([*forms, f"{_digits(dice, 3)}-{_digits(dice, 7)}-{_digits(dice, 7)}"])


def _part(dice: random.Random) -> str:
    letters = [dice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(3)]
    number = _digits(dice, dice.choice([5, 6, 7, 8]))
    first, last = "".join(letters[:2]), letters[2]
    forms = [f"{first}{number}", f"{first}-{number}", f"{first}{number}{last}", f"{number}{last}"]
    return dice.choice(forms)


def _version(dice: random.Random) -> str:
    parts = [str(dice.randrange(1, 40)) for _ in range(dice.choice([3, 4]))]
    joined = ".".join(parts)
    three = ".".join(parts[:3])
    forms = [f"v{joined}", f"version {joined}", f"Chrome/{joined}", f"app=={joined}", three]
    return dice.choice([*forms, f"app-{joined}.tar.gz"])


def _isbn(dice: random.Random) -> str:
    body = "978" + _digits(dice, 9)
    check = -sum(int(one) * (1 + 2 * (i % 2)) for i, one in enumerate(body)) % 10
    grouped = f"{body[:3]}-{body[3]}-{body[4:6]}-{body[6:]}-{check}"
    return dice.choice([f"{body}{check}", grouped, f"ISBN {grouped}"])


def _hash(dice: random.Random) -> str:
    return _hex(dice, dice.choice([7, 12, 32, 40, 64]))


def _uuid(dice: random.Random) -> str:
    return "-".join(_hex(dice, length) for length in (8, 4, 4, 4, 12))


def _colour(dice: random.Random) -> str:
    return dice.choice([f"#{_hex(dice, 6)}", f"#{_hex(dice, 3)}", f"0x{_hex(dice, 8)}"])


def _documentation(dice: random.Random) -> str:
    forms = ["https://example.com/a@b?x=1", "help@example.org", "192.0.2.17", "2001:db8::5"]
    forms += ["https://user:password@db.firm.de/x", "http://localhost:8080", "10.1.2.3", "::1"]
    return dice.choice([*forms, f"https://docs.firm.de/v2/{_digits(dice, 9)}", "+1 212 555 0123"])


def _maths(dice: random.Random) -> str:
    a, b = dice.randrange(10**6), dice.randrange(10**6)
    return dice.choice([f"{a} + {b} = {a + b}", f"{a}*{b}={a * b}", f"{a}-{b}", f"{a / 7:.12f}"])


def _code(dice: random.Random) -> str:
    forms = ["password = get_password()", "token: str", "api_key=YOUR_API_KEY", "max_tokens=4096"]
    forms += ["std::vector<int>", "@app.route", "icon@2x.png", "git@github.com:team/app.git"]
    forms += ["password: required", "secret = os.environ['APP_SECRET_1']", "sk-spinner-circle-2"]
    return dice.choice([*forms, f"00:1a:2b:{_hex(dice, 2)}:4d:5e", f"id_{_digits(dice, 10)}"])


def _statistics(dice: random.Random) -> str:
    numbers = [_digits(dice, dice.choice([1, 2, 3, 4])) for _ in range(dice.randrange(2, 12))]
    return dice.choice([" ", ", ", "; ", " | "]).join(numbers)


_LOOKALIKES: tuple[Callable[[random.Random], str], ...] = (
    _date,
    _price,
    _order,
    _part,
    _version,
    _isbn,
    _hash,
    _uuid,
    _colour,
    _documentation,
    _maths,
    _code,
    _statistics,
)


if __name__ == "__main__":
    sys.exit(main())
