"""Score answers against their references, row by row.

Exact match is 1 or 0: the same text after white space at both ends is dropped, or the same JSON
object or array whatever its white space and the order of its keys. Case, punctuation and code
fences count. ROUGE-L is the F-measure of the longest common subsequence of words, from 0 to 1.

Which metric decides is chosen from the references alone, before any answer is seen, so that it
cannot be picked to please.

Not covered: paraphrases that share no words, and a judgement by another model.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from statistics import fmean, median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation
from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow
from tools.evaluation.compare import Comparison, compare
from tools.evaluation.rouge import rouge_l, words_of

Metric = Literal["exact_match", "rouge_l", "loss"]

_SHORT_WORDS = 12  # references of at most this many words are expected word for word
_OTHERS = 20  # other prompts whose references an answer is read against
_Scorer = Callable[[str, str], float]


class ScoreTable(BaseModel):
    """The score of every row, by metric and candidate, in the order of the rows."""

    model_config = ConfigDict(frozen=True)

    prompts: tuple[str, ...] = Field(description="What makes two prompts equal, of each row.")
    scores: dict[Metric, dict[str, tuple[float, ...]]] = Field(
        description="Exact match and ROUGE-L are higher, loss is lower for a better model."
    )


def exact_match(answer: str, reference: str) -> float:
    """Return 1.0 when the answer is the reference, else 0.0."""
    return float(_canonical(answer) == _canonical(reference))


def choose_primary_metric(heldout: Sequence[Conversation]) -> Metric:
    """Return the metric that decides, from the references alone.

    Loss for plain text, exact match for short or JSON references, else ROUGE-L.

    Raises:
        EvaluationError: There are no rows.
    """
    if not heldout:
        raise EvaluationError("There are no held-out rows to evaluate on. Import more rows.")
    if any(one.plain_text for one in heldout):
        return "loss"
    json_share = fmean(_as_json(one.answer) is not None for one in heldout)
    words = median(len(words_of(one.answer)) for one in heldout)
    return "exact_match" if json_share > 0.5 or words <= _SHORT_WORDS else "rouge_l"


def score_rows(
    rows: Sequence[AnsweredRow], losses: Mapping[str, Sequence[float]] | None = None
) -> ScoreTable:
    """Score the answers of every candidate, and add the losses measured elsewhere.

    Rows of plain text have no answers; their table holds the losses alone.
    """
    names = tuple(rows[0].answers) if rows else ()
    scores: dict[Metric, dict[str, tuple[float, ...]]] = {
        metric: {
            name: tuple(score(row.answers[name], row.reference) for row in rows) for name in names
        }
        for metric, score in _SCORERS.items()
        if names
    }
    if losses:
        scores["loss"] = {name: tuple(values) for name, values in losses.items()}
    return ScoreTable(prompts=tuple(row.prompt_key for row in rows), scores=scores)


def compare_tuned(table: ScoreTable, metric: Metric, *, baseline: str) -> Comparison:
    """Compare the tuned model with the candidate `baseline` on one metric of the table.

    Raises:
        EvaluationError: A score is not finite.
    """
    by_candidate = table.scores[metric]
    return compare(
        metric,
        prompts=table.prompts,
        baseline=by_candidate[baseline],
        candidate=by_candidate["tuned"],
        higher_is_better=metric != "loss",
    )


def compare_all(table: ScoreTable) -> tuple[Comparison, ...]:
    """Compare the tuned model with its base on every metric of the table.

    Raises:
        EvaluationError: A score is not finite.
    """
    return tuple(compare_tuned(table, metric, baseline="base") for metric in table.scores)


def check_reading(rows: Sequence[AnsweredRow], metric: Metric) -> Comparison:
    """Compare the tuned answers' scores against their own references with those against others'.

    Every prompt is read against the others at the same drawn distances. A model that gives one
    answer to every question therefore differs by exactly zero on average, however frequent that
    answer is.

    Raises:
        EvaluationError: There are fewer than two prompts, or `metric` needs no answers.
    """
    asked: dict[str, list[AnsweredRow]] = {}
    for row in rows:
        asked.setdefault(row.prompt_key, []).append(row)
    if len(asked) < 2 or metric not in _SCORERS:
        raise EvaluationError(
            "Whether answers depend on the questions takes two held-out prompts with answers. "
            "Import more rows."
        )
    score = _SCORERS[metric]
    together, keys, own, foreign = [*asked.values()], [], [], []
    wanted = [Counter(row.reference for row in of_prompt) for of_prompt in together]
    for of_prompt, others in zip(together, _others(wanted), strict=True):
        # Once for each answer: a prompt of many rows has one or two.
        by_answer = {
            answer: fmean(_against(answer, references, score) for references in others)
            for answer in {row.answers["tuned"] for row in of_prompt}
        }
        for row in of_prompt:
            keys.append(row.prompt_key)
            own.append(score(row.answers["tuned"], row.reference))
            foreign.append(by_answer[row.answers["tuned"]])
    return compare("reading", prompts=keys, baseline=foreign, candidate=own, higher_is_better=True)


def _others(references: Sequence[Counter[str]]) -> Iterator[list[Counter[str]]]:
    """Yield for each prompt the references of the prompts it is read against."""
    count = len(references)
    # Drawn, because evenly spaced ones would meet one label again and again in sorted rows.
    shifts = random.Random(0).sample(range(1, count), min(count - 1, _OTHERS))
    for index in range(count):
        yield [references[(index + shift) % count] for shift in shifts]


def _against(answer: str, references: Counter[str], score: _Scorer) -> float:
    """Return the mean score of `answer` against `references`, each as often as it stands there."""
    total = sum(score(answer, reference) * times for reference, times in references.items())
    return total / references.total()


_SCORERS: dict[Metric, _Scorer] = {
    "exact_match": exact_match,
    "rouge_l": rouge_l,
}


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return _as_json(text) or text.strip()


def _as_json(text: str) -> str | None:
    """Return a JSON object or array in one spelling, or None when the text is neither."""
    text = text.strip()
    if not text.startswith(("{", "[")):
        return None
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_refuse)
        # Not a comparison of the values themselves: in Python `True == 1`.
        return json.dumps(value, sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> int | float:
    value = float(digits)
    return int(value) if value.is_integer() else value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
