"""Recognise the format of a dataset by the shape of its first rows, with nothing to configure.

Pairs of a chosen and a rejected answer come first, then answers with a mark, then lists of
messages in any column, then columns with a prompt and an answer, then plain text, then prompts
alone. Upper and lower case of column names do not count.

How sure it is, is the share of the first rows that can be converted, times a figure for how
telling the columns are.
"""

from collections.abc import Iterator, Sequence

from tools.data.columns import Columns
from tools.data.convert_messages import is_message, is_message_list
from tools.data.convert_row import PASSAGE_COLUMNS, convert_row, truth
from tools.data.expand_pairs import is_pair_list
from tools.data.layout import Layout, Row
from tools.data.row_problem import RowProblem

SAMPLE_ROWS = 50

_MESSAGES = ("messages", "conversations", "conversation", "texts")
_PROMPTS = ("instruction", "question", "query", "prompt", "article", "input")
_INPUTS = ("input", "context")
_ANSWERS = ("output", "response", "answer", "completion", "generation", "summary", "highlights")
_SYSTEM = ("system", "system_prompt")
_TOOLS = ("tools", "functions")
_THOUGHTS = ("reasoning_content", "thinking", "complex_cot")
_CHOSEN = ("chosen", "chosen_response")
_REJECTED = ("rejected", "rejected_response", "rejected_text")
_PREFERENCE_PROMPTS = ("prompt", "question", "instruction", "query", "input")
_PAIRS = ("qa_pairs", "question_answer_pairs", "pairs", "qas")
_PARENTS = ("parent_id", "parent")
_GROUPS = (
    "document_id",
    "doc_id",
    "source_id",
    "conversation_id",
    "conv_id",
    "thread_id",
    "chunk_id",
    *PASSAGE_COLUMNS,
)
_FITTING = (
    "messages (messages: role, content), sharegpt (conversations: from, value), "
    "alpaca (instruction, input, output), prompt-completion (prompt, completion), "
    "preference (prompt, chosen, rejected), unpaired preference (prompt, completion, label), "
    "stepwise (prompt, completions, labels), segments (segments: label, text), text (text)"
)


def recognise_format(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a dataset that begins with `rows`, or None when none fits."""
    columns = Columns(rows)
    found = [layout for layout in _layouts(columns) if layout is not None]
    if not found:
        return None
    group, tools = _group(columns), columns.first(_TOOLS, _is_tools)
    best = found[0].model_copy(update={"group": group, "tools": tools})
    others = dict.fromkeys(one.format for one in found if one.format != best.format)
    sure = best.confidence * share_that_fits(rows, best)
    return best.model_copy(update={"confidence": sure, "other_possibilities": tuple(others)})


def share_that_fits(rows: Sequence[Row], layout: Layout) -> float:
    """Return the share of `rows` that can be converted, from 0 to 1.

    Rows that are parts of several, as in chains, are taken by themselves.
    """
    if not rows or layout.pairs:
        return 1.0
    refused = sum(isinstance(convert_row(1, row, layout), RowProblem) for row in rows)
    return round(1 - refused / len(rows), 3)


def describe_unrecognised(name: str, rows: Sequence[Row]) -> str:
    """Say what the columns of `name` look like and which formats would be understood."""
    columns = Columns(rows)
    found = ", ".join(f"{column[:40]} ({columns.shape(column)})" for column in columns.names[:12])
    more = f" and {len(columns.names) - 12} more" if len(columns.names) > 12 else ""
    return (
        f"The format of {name!r} is not recognised. Its first rows have the columns "
        f"{found or 'none'}{more}. Rename the columns to fit one of: {_FITTING}. Or say which "
        "column is which."
    )


def _layouts(columns: Columns) -> Iterator[Layout | None]:
    yield _preference(columns)
    yield _labelled(columns)
    yield _stepwise(columns)
    yield _pair_of_message_lists(columns)
    yield _conversation(columns)
    yield _pairs_in_a_list(columns)
    yield _chained(columns)
    yield _harmony(columns)
    yield _pair_of_texts(columns)
    yield _segments(columns)
    yield _plain_text(columns)
    yield _prompt_only(columns)


def _preference(columns: Columns) -> Layout | None:
    rejected = columns.first(_REJECTED, _is_answer)
    chosen = columns.first(_CHOSEN, _is_answer) or columns.first(("text",), _is_text)
    if chosen is None or rejected is None:
        return None
    prompt = columns.first(_PREFERENCE_PROMPTS, _is_text_or_messages)
    return Layout(
        format="preference",
        prompt=prompt,
        messages=None if prompt else columns.first(_MESSAGES, is_message_list),
        input=columns.first(_INPUTS, _is_text, but=prompt),
        system=columns.first(_SYSTEM, _is_text),
        history=columns.first(("history",), _is_list),
        chosen=chosen,
        rejected=rejected,
        confidence=1.0 if chosen.lower() != "text" else 0.9,
    )


def _labelled(columns: Columns) -> Layout | None:
    """Unpaired preference: any kind of answer with `kto_tag`, or the usual ones with `label`."""
    label = columns.all_of(("kto_tag", "label"), lambda value: truth(value) is not None)
    if label is None:
        return None
    plain = _pair_of_message_lists(columns) or _conversation(columns) or _pair_of_texts(columns)
    if plain is None or (label.lower() == "label" and plain.format == "alpaca"):
        return None
    sure = 1.0 if label.lower() == "kto_tag" or plain.format == "prompt-completion" else 0.8
    return plain.model_copy(
        update={"format": "unpaired-preference", "label": label, "confidence": sure}
    )


def _stepwise(columns: Columns) -> Layout | None:
    prompt = columns.first(("prompt", "question"), _is_text_or_messages)
    steps, labels = (columns.first((one,), _is_list) for one in ("completions", "labels"))
    if prompt is None or steps is None or labels is None:
        return None
    return Layout(format="stepwise", prompt=prompt, steps=steps, step_labels=labels)


def _pair_of_message_lists(columns: Columns) -> Layout | None:
    prompt = columns.first(("prompt",), is_message_list)
    completion = columns.first(("completion",), _is_answer)
    if prompt is None or completion is None:
        return None
    return Layout(format="prompt-completion", prompt=prompt, answer=completion)


def _conversation(columns: Columns) -> Layout | None:
    others = [name.lower() for name in columns.names if not name.lower().endswith("_trace")]
    column = columns.first([*_MESSAGES, *others], is_message_list)
    if column is None or (column.lower() == "prompt" and columns.ends_unanswered(column)):
        return None
    return Layout(
        format="sharegpt" if columns.spelt_from_value(column) else "messages",
        messages=column,
        system=columns.first(_SYSTEM, _is_text),
        confidence=1.0 if column.lower() in _MESSAGES else 0.9,
    )


def _pairs_in_a_list(columns: Columns) -> Layout | None:
    column = columns.first(_PAIRS, is_pair_list)
    if column is None:
        return None
    return Layout(
        format="question-answer",
        pairs=column,
        prompt="question",
        answer="answer",
        system=columns.first(_SYSTEM, _is_text),
    )


def _chained(columns: Columns) -> Layout | None:
    parent = columns.named(_PARENTS)
    pair = _pair_of_texts(columns)
    if parent is None or pair is None or (own := columns.named(("id",))) is None:
        return None
    return pair.model_copy(
        update={"format": "chained", "id": own, "parent": parent, "history": None}
    )


def _harmony(columns: Columns) -> Layout | None:
    user, final = columns.first(("user",), _is_text), columns.first(("final",), _is_text)
    if user is None or final is None:
        return None
    return Layout(
        format="harmony",
        prompt=user,
        answer=final,
        thought=columns.first(("analysis",), _is_text),
        system=columns.first(("developer", *_SYSTEM), _is_text),
    )


def _pair_of_texts(columns: Columns) -> Layout | None:
    prompt = columns.first(_PROMPTS, _is_text)
    answer = columns.first(_ANSWERS, _is_text)
    if prompt is None or answer is None:
        return None
    names = (prompt.lower(), answer.lower())
    return Layout(
        format="prompt-completion" if names == ("prompt", "completion") else "alpaca",
        prompt=prompt,
        input=columns.first(_INPUTS, _is_text, but=prompt),
        answer=answer,
        thought=columns.first(_THOUGHTS, _is_text),
        system=columns.first(_SYSTEM, _is_text),
        history=columns.first(("history",), _is_list),
        confidence=1.0 if names in _TELLING else 0.9,
    )


def _segments(columns: Columns) -> Layout | None:
    column = columns.first(("segments",), _is_segments)
    return Layout(format="segments", segments=column) if column else None


def _plain_text(columns: Columns) -> Layout | None:
    text = columns.first(("text",), _is_text)
    return Layout(format="text", answer=text, confidence=0.9) if text else None


def _prompt_only(columns: Columns) -> Layout | None:
    prompt = columns.first(("prompt",), _is_text_or_messages)
    if prompt is None:
        return None
    system = columns.first(_SYSTEM, _is_text)
    return Layout(format="prompt-only", prompt=prompt, system=system, confidence=0.7)


def _group(columns: Columns) -> str | None:
    """Return the column that tells documents or conversations apart, if there is one."""
    return next((name for one in _GROUPS if (name := columns.telling((one,)))), None)


_TELLING = {
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("question", "answer"),
    ("question", "response"),
}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_text_or_messages(value: object) -> bool:
    return isinstance(value, str) or is_message_list(value)


def _is_answer(value: object) -> bool:
    return isinstance(value, str) or is_message(value) or is_message_list(value)


def _is_tools(value: object) -> bool:
    return isinstance(value, str | list) and bool(value)


def _is_segments(value: object) -> bool:
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and {"text", "label"} <= first.keys()
