"""Every pattern finds its example, leaves its counter-example alone and searches in linear time."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.data.scan.fold_text import fold
from tools.data.scan.load_patterns import (
    LEVELS,
    PATTERNS_FILE,
    ScanPattern,
    load_patterns,
    patterns_of,
)
from tools.data.scan.scan_text import scan_text
from tools.errors import DatasetError

ROOT = Path(__file__).parents[4]
PATTERNS = load_patterns().patterns
GATED = [one for one in PATTERNS if one.one_of]
ENTRY = {
    "id": "greeting",
    "category": "jailbreak",
    "level": "standard",
    "severity": "low",
    "message": "A greeting.",
    "pattern": "good (?:day|morning)",
    "one_of": ["good"],
    "example": "Good day",
    "counter_example": "Good night",
}


def name_of(pattern: ScanPattern) -> str:
    return pattern.id


def save_patterns(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "patterns.yaml"
    content = {"remedies": {"jailbreak": "Remove it."}, "patterns": list(entries)}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("pattern", PATTERNS, ids=name_of)
def test_every_example_is_marked_by_its_pattern(pattern: ScanPattern) -> None:
    assert pattern.id in {mark.pattern for mark in scan_text(pattern.example, pattern.level)}


@pytest.mark.parametrize("pattern", PATTERNS, ids=name_of)
def test_no_counter_example_is_marked_at_its_level(pattern: ScanPattern) -> None:
    assert scan_text(pattern.counter_example, pattern.level) == ()


@pytest.mark.parametrize("pattern", GATED, ids=name_of)
@settings(max_examples=15, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_whatever_a_pattern_matches_holds_a_piece_it_needs(
    pattern: ScanPattern, data: st.DataObject
) -> None:
    assert pattern.pattern is not None
    text = data.draw(st.from_regex(pattern.pattern))
    if fold(text) != text or not pattern.pattern.search(text):
        return

    spaced = f" {' '.join(text.split())} "

    assert any(piece in spaced for piece in pattern.one_of)


def test_there_are_many_patterns_and_each_level_adds_some() -> None:
    numbers = [len(patterns_of(level)) for level in LEVELS]

    assert numbers == sorted(set(numbers))
    assert numbers[-1] == len(PATTERNS) > 60


HOSTILE = """
import sys
from tools.data.scan.load_patterns import load_patterns
from tools.data.scan.scan_text import scan_text
half = int(sys.argv[1])
for one in [one for one in load_patterns().patterns if one.pattern is not None][half::2]:
    for part in (*one.one_of[:1], one.example[: len(one.example) // 2 + 1], one.example[:-1]):
        for run in (part.lower(), part.lower() + " "):
            one.pattern.search(run * (100_000 // len(run)))
runs = ["a", " ", "<", "{", "|", ".", "A1", "61", "a_", "../", "<a ", "i g ", "ign\u043ere "]
for run in [*runs, "\u200b", "\u0430", "\U000e0041"][half::2]:
    scan_text(run * (1_000_000 // len(run)), "maximum")
"""


@pytest.mark.parametrize("half", ["0", "1"])
def test_hostile_runs_do_not_keep_the_scan_busy(half: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, half], cwd=ROOT, timeout=300, capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_patterns_are_read_with_spaces_that_stand_for_any_white_space(tmp_path: Path) -> None:
    found = load_patterns(save_patterns(tmp_path, ENTRY))

    assert found.patterns[0].pattern == re.compile(r"(?:good\s{1,3}(?:day|morning))")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"pattern": "good (day"}, "pattern 'greeting', pattern: the pattern is no regular"),
        ({"pattern": "good .*day"}, "each repeat in the pattern needs an upper bound"),
        ({"pattern": "go{2,}d"}, "each repeat in the pattern needs an upper bound"),
        ({"pattern": None}, "pattern 'greeting': it needs either a pattern or a check"),
        ({"check": "encoded_text"}, "pattern 'greeting': it needs either a pattern or a check"),
        ({"pattern": None, "check": "magic"}, "pattern 'greeting', check: "),
        ({"one_of": []}, "pattern 'greeting': it needs one_of"),
        ({"one_of": ["Good"]}, "pattern 'greeting': one_of holds pieces of text in lower case"),
        ({"example": ""}, "pattern 'greeting', example: "),
        ({"category": "prompt_injection"}, "there is no remedy for prompt_injection"),
        ({"surprise": 1}, "pattern 'greeting', surprise: "),
    ],
)
def test_a_faulty_entry_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    path = save_patterns(tmp_path, ENTRY | change)

    with pytest.raises(DatasetError, match=re.escape(fault)):
        load_patterns(path)


def test_a_missing_example_is_refused(tmp_path: Path) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != "counter_example"}

    with pytest.raises(DatasetError, match="pattern 'greeting', counter_example: Field required"):
        load_patterns(save_patterns(tmp_path, entry))


def test_an_id_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the id stands there twice: greeting"):
        load_patterns(save_patterns(tmp_path, ENTRY, ENTRY))


@pytest.mark.parametrize("content", ["patterns: [", "just words", ""])
def test_a_file_that_holds_no_patterns_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "patterns.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DatasetError, match=r"The scan patterns in 'patterns\.yaml'"):
        load_patterns(path)


def test_the_file_itself_names_each_pattern_once() -> None:
    written = yaml.safe_load(PATTERNS_FILE.read_text(encoding="utf-8"))["patterns"]

    assert [one.id for one in PATTERNS] == list(dict.fromkeys(one["id"] for one in written))
