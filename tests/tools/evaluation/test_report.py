import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tools.evaluation.compare import compare
from tools.evaluation.gate import decide
from tools.evaluation.report import write_report
from tools.evaluation.verdict import Sample, Verdict

HOSTILE = "<script>alert(1)</script>\"'><img src=https://example.org/x onerror=alert(2)>"
VOID = {"meta", "line", "circle", "polyline", "link", "img", "br"}


class Page(HTMLParser):
    """Collects the elements and the text, and whether the elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(verdict: Verdict, folder: Path) -> Page:
    path = write_report(verdict, folder)
    assert path == folder / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def changed(verdict: Verdict, /, **fields: Any) -> Verdict:
    return verdict.model_copy(update=fields)


def test_the_report_says_what_the_verdict_says(verdict: Verdict, tmp_path: Path) -> None:
    text = page_of(verdict, tmp_path).text

    for words in (
        "Better Name the department that answers a customer's message.",
        "Exact match went from 0.150 to 0.850 on 40 held-out rows: +0.700, 95 % interval",
        "It is now the champion, version 1.",
        "Took 2 min 11 s",
        "10 held-out rows, side by side",
        "There is no champion yet.",
        "training loss validation loss",
        "Imported 420",
        "learning_rate 0.0002",
        "evaluation_expert rules, fell back to rules",
        "Aliases champion",
        "make chat",
        "Run 20261120-184500-a1b2 · 2026-11-20 18:45 UTC",
    ):
        assert words in text


def test_the_report_needs_nothing_else(verdict: Verdict, tmp_path: Path) -> None:
    page = page_of(verdict, tmp_path)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")

    tags = {tag for tag, _ in page.elements}
    attributes = {name for _, attrs in page.elements for name in attrs}

    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form", "use"})
    assert attributes.isdisjoint({"src", "href", "srcset", "style"})
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", source)
    assert "default-src 'none'" in source


def test_words_from_data_stay_words(verdict: Verdict, tmp_path: Path) -> None:
    honest = page_of(verdict, tmp_path)
    sample = Sample(row=1, prompt=HOSTILE, reference=HOSTILE, base=HOSTILE, tuned=HOSTILE)
    hostile = changed(
        verdict,
        goal=HOSTILE,
        base_model=HOSTILE,
        language_model=HOSTILE,
        recipe={HOSTILE: HOSTILE, **dict(list(verdict.recipe.items())[1:])},
        dataset=verdict.dataset.model_copy(update={"source": HOSTILE, "format": HOSTILE}),
        receipts=tuple(one.model_copy(update={"agent": HOSTILE}) for one in verdict.receipts),
        tracking=verdict.tracking.model_copy(update={"experiment": HOSTILE}),
        samples=(sample,) * len(verdict.samples),
        next_command=HOSTILE,
    )

    page = page_of(hostile, tmp_path)

    assert [tag for tag, _ in page.elements] == [tag for tag, _ in honest.elements]
    # Title and header, ten samples, data and recipe, agents, experiment and next command.
    assert page.text.count("<script>alert(1)</script>") == 5 + 40 + 4 + 4 + 2


def test_answers_are_marked_right_and_wrong(verdict: Verdict, tmp_path: Path) -> None:
    sample = Sample(row=1, prompt="?", reference='{"a": 1}', base="", tuned='{ "a": 1 }')

    text = page_of(changed(verdict, samples=(sample,)), tmp_path).text

    assert 'Base wrong (nothing) Tuned right { "a": 1 }' in text


def test_cut_answers_are_told(verdict: Verdict, tmp_path: Path) -> None:
    page = page_of(changed(verdict, stopped={"base": 0.0, "tuned": 1.0}), tmp_path)

    assert "Only 0 % of the answers of the base ended by themselves." in page.text
    assert "by themselves" not in page_of(verdict, tmp_path).text


def test_long_answers_are_marked_with_their_score(verdict: Verdict, tmp_path: Path) -> None:
    sample = Sample(row=1, prompt="?", reference="a b c d", base="a", tuned="a b c d")

    text = page_of(changed(verdict, primary_metric="rouge_l", samples=(sample,)), tmp_path).text

    assert "Base ROUGE-L 0.40 a Tuned ROUGE-L 1.00 a b c d" in text
    assert "ROUGE-L went from" in text


def test_a_refusal_gives_its_reasons(verdict: Verdict, tmp_path: Path) -> None:
    same = compare(
        "exact_match",
        prompts=range(20),
        baseline=[1.0, 0.0] * 10,
        candidate=[1.0, 0.0] * 10,
        higher_is_better=True,
    )
    gate = decide(
        against_base=[same],
        reading=None,
        against_champion=same,
        champion_version=4,
        primary_metric="exact_match",
        adapter_sha256="3f" * 32,
    )
    refused = changed(
        verdict,
        verdict="not better",
        promoted=False,
        champion_version=4,
        comparisons=(same,),
        against_champion=same,
        gate=gate,
        dataset=verdict.dataset.model_copy(update={"shuffled_labels": True}),
    )

    text = page_of(refused, tmp_path).text

    assert text.count("✗") == 3
    assert "Not better" in text
    assert "The champion is still version 4." in text
    assert "The labels were shuffled on purpose." in text
    assert all(reason in text for reason in gate.reasons)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"losses": ()}, "No loss was recorded."),
        ({"samples": ()}, "Plain text has no questions to answer"),
        ({"promoted": False}, "It may become the champion, but was not made the champion."),
        ({"seconds": 7.6}, "Took 8 s"),
        ({"seconds": 7260.0}, "Took 2 h 1 min"),
        ({"comparisons": (), "receipts": ()}, "Tuned against base"),
    ],
)
def test_missing_parts_are_said_to_be_missing(
    verdict: Verdict, tmp_path: Path, fields: dict[str, object], words: str
) -> None:
    assert words in page_of(changed(verdict, **fields), tmp_path).text
