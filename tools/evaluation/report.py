"""Write a verdict as one HTML page that needs nothing else.

The page has no script and loads nothing; a content security policy says so to the browser. Every
word that comes from data or from a model is escaped by the template.

Not covered: other formats. A browser prints the page to PDF.
"""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.evaluation.compare import Comparison
from tools.evaluation.plot import plot_interval, plot_losses
from tools.evaluation.rouge import rouge_l
from tools.evaluation.scores import exact_match
from tools.evaluation.verdict import Sample, Verdict
from tools.files import write_text

_FILE_NAME = "report.html"

_NAMES = {"exact_match": "Exact match", "rouge_l": "ROUGE-L", "loss": "Loss", "reading": "Reading"}
_CHECKS = {
    "prompts": "Enough held-out prompts",
    "beats_base": "Better than the base",
    "reading": "Answers depend on the questions",
    "beats_champion": "Better than the champion",
}


@dataclass(frozen=True)
class _Mark:
    """How one answer is marked."""

    word: str
    good: bool


def write_report(verdict: Verdict, folder: Path) -> Path:
    """Write `report.html` to `folder` and return it."""
    page = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    page.filters.update(
        metric=lambda name: _NAMES.get(name, name),
        check=lambda name: _CHECKS.get(name, name),
        number=lambda value: f"{value:.3f}",
        signed=lambda value: f"{value:+.3f}".replace("-", "\u2212"),
        duration=_duration,
    )
    text = page.get_template("report.html.jinja").render(
        verdict=verdict,
        primary=_primary(verdict),
        comparisons=[(one, plot_interval(one)) for one in _compared(verdict)],
        curve=plot_losses(verdict.losses),
        samples=[(one, *_marks(one, verdict.primary_metric)) for one in verdict.samples],
    )
    path = folder / _FILE_NAME
    write_text(path, text)
    return path


def _primary(verdict: Verdict) -> Comparison | None:
    return next((one for one in verdict.comparisons if one.metric == verdict.primary_metric), None)


def _compared(verdict: Verdict) -> list[Comparison]:
    """Return the comparisons with the base, the deciding one first."""
    return sorted(verdict.comparisons, key=lambda one: one.metric != verdict.primary_metric)


def _marks(sample: Sample, metric: str) -> tuple[_Mark, _Mark]:
    answers = (sample.base, sample.tuned)
    if metric == "exact_match":
        right = [exact_match(answer, sample.reference) == 1.0 for answer in answers]
        base, tuned = (_Mark("right" if good else "wrong", good) for good in right)
    else:
        scores = [rouge_l(answer, sample.reference) for answer in answers]
        base, tuned = (_Mark(f"ROUGE-L {one:.2f}", one == max(scores)) for one in scores)
    return base, tuned


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
