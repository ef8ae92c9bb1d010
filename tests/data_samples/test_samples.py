"""The bundled samples are what their README says they are."""

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
LABELS = {
    "intent": {"repair", "maintenance", "order", "quote", "warranty", "advice"},
    "component": {
        "compressor",
        "condenser",
        "evaporator",
        "fan",
        "thermostat",
        "gasket",
        "drain",
        "controller",
        "refrigerant",
        "lamp",
    },
    "urgency": {"critical", "high", "normal", "low"},
}


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str]]:
    """Every request with its answer."""
    lines = (SAMPLES / "refrigeration_requests.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line)["messages"] for line in lines]
    assert all([one["role"] for one in turns] == ["user", "assistant"] for turns in messages)
    return [(turns[0]["content"], turns[1]["content"]) for turns in messages]


def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    script = str(SAMPLES / "write_samples.py")

    subprocess.run([sys.executable, script, str(tmp_path)], check=True)

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {name: (SAMPLES / name).read_bytes() for name in written}
    assert set(written) == {"refrigeration_requests.jsonl", "pretraining_text.txt"}


def test_every_answer_but_one_is_a_compact_object_of_known_labels(
    rows: list[tuple[str, str]],
) -> None:
    answers = [json.loads(answer) for _, answer in rows if answer]

    assert len(rows) == 1050
    assert len(answers) == len(rows) - 1
    assert all(list(answer) == list(LABELS) for answer in answers)
    assert {key: {answer[key] for answer in answers} for key in LABELS} == LABELS


def test_guessing_does_not_pay(rows: list[tuple[str, str]]) -> None:
    shares = [count / len(rows) for count in Counter(answer for _, answer in rows).values()]

    assert max(shares) < 0.04
    assert sum(share * share for share in shares) < 0.02


def test_twelve_rows_are_there_twice_and_no_text_has_two_answers(
    rows: list[tuple[str, str]],
) -> None:
    repeats = [count for count in Counter(rows).values() if count > 1]
    normalised = {(" ".join(text.lower().split()), answer) for text, answer in rows}

    assert repeats == [2] * 12
    assert len({text for text, _ in normalised}) == len(normalised) == len(rows) - 12


def test_two_pairs_of_rows_are_nearly_the_same_and_far_apart(rows: list[tuple[str, str]]) -> None:
    position = {text: at for at, (text, _) in enumerate(rows)}
    words = {text: set(re.findall(r"\w+", text.lower())) for text in position}

    near = [
        (position[one], position[other])
        for one, other in combinations(words, 2)
        if len(words[one] & words[other]) > 0.85 * len(words[one] | words[other])
    ]

    assert len(near) == 2
    assert all(abs(first - second) > 50 for first, second in near)
    assert all(rows[first][1] == rows[second][1] for first, second in near)


def test_one_row_holds_an_address(rows: list[tuple[str, str]]) -> None:
    addresses = [re.findall(r"\S+@\S+\.\w+", text) for text, _ in rows]

    assert [found for found in addresses if found] == [["anna.berg@cold-storage-nordwind.org"]]


def test_the_pretraining_text_gives_no_answer_away(rows: list[tuple[str, str]]) -> None:
    text = (SAMPLES / "pretraining_text.txt").read_text(encoding="utf-8")

    assert len(text.encode()) < 700_000
    assert [pair for pair in rows if pair[0] in text or (pair[1] and pair[1] in text)] == []
    assert '{"intent"' not in text


def test_the_manual_has_a_section_for_every_component() -> None:
    manual = (SAMPLES / "refrigeration_manual.md").read_text(encoding="utf-8")
    sections = {line[3:].lower() for line in manual.splitlines() if line.startswith("## ")}

    assert LABELS["component"] <= sections
    assert 1500 <= len(manual.split()) <= 2500
