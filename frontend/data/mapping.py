"""Say which column of a file plays which part, where it is not recognised or is meant differently.

What was found and is not asked for, such as roles or the column of groups, stays as it was found.
"""

from typing import Any

import streamlit as st

_PAIR = ("prompt", "answer")
_BESIDE = ("system", "tools", "group")
# The parts of each format: those that a person is asked for, then those that stay as found.
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "messages": (("messages", "system", "tools"), ("group",)),
    "sharegpt": (("messages", "system", "tools"), ("group",)),
    "alpaca": (("prompt", "input", "answer", "system"), ("history", "thought", "tools", "group")),
    "prompt-completion": (_PAIR, ("input", "history", "thought", *_BESIDE)),
    "preference": (("prompt", "chosen", "rejected"), ("messages", "input", "history", *_BESIDE)),
    "unpaired-preference": (
        (*_PAIR, "label"),
        ("messages", "input", "history", "thought", *_BESIDE),
    ),
    "question-answer": (_PAIR, ("pairs", "thought", *_BESIDE)),
    "chained": ((*_PAIR, "id", "parent"), ("input", "thought", *_BESIDE)),
    "harmony": ((*_PAIR, "thought", "system"), ("tools", "group")),
    "stepwise": (("prompt", "steps", "step_labels"), ("input", *_BESIDE)),
    "prompt-only": (("prompt",), ("input", *_BESIDE)),
    "segments": (("segments",), _BESIDE),
    "text": (("answer",), _BESIDE),
}
_SPELLING = ("roles", "role_key", "content_key")
_NONE = "(none)"


def choose_mapping(
    key: str, found: dict[str, Any], tried: dict[str, Any] | None
) -> tuple[dict[str, Any], bool]:
    """Draw the format and its columns; return them as a mapping, and whether they are new.

    Args:
        key: What the widgets' keys begin with.
        found: The inspection of the file, with its columns.
        tried: The mapping that it was inspected with, if any.
    """
    known = found.get("layout") is not None
    layout = found.get("layout") or _layout_of(tried)
    columns = [one["name"] for one in found["columns"]]
    usual = layout.get("format") or _likely_format(found["columns"])
    ask = "Say which column is which"
    with st.expander(f"Not what you meant? {ask}" if known else ask, expanded=not known):
        formats = list(PARTS)
        chosen = st.selectbox("Format", formats, formats.index(usual), key=f"{key}_format")
        asked, others = PARTS[chosen]
        before = {part: layout.get(part) for part in asked}
        after = {}
        for place, (part, now) in zip(st.columns(len(before)), before.items(), strict=True):
            with place:
                after[part] = _choose_column(f"{key}_{chosen}_{part}", part, columns, now)
    kept = {part: layout.get(part) for part in others}
    named = {part: column for part, column in {**kept, **after}.items() if column}
    spelt = {name: layout[name] for name in _SPELLING if layout.get(name)}
    return {"format": chosen, "columns": named, **spelt}, (chosen, after) != (usual, before)


def _layout_of(tried: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a mapping that did not fit says, so that only what is changed is lost."""
    return {**tried, **tried["columns"]} if tried else {}


def _likely_format(columns: list[dict[str, Any]]) -> str:
    """Return the format to begin with where none was recognised: flat texts are mostly pairs."""
    shapes = [one["shape"] for one in columns]
    if any(shape.startswith("list") for shape in shapes):
        return "messages"
    return "question-answer" if shapes.count("text") > 1 else "text"


def _choose_column(key: str, part: str, columns: list[str], now: str | None) -> str | None:
    # Pairs in a list have their columns within the list.
    inner = [now] if now and now not in columns else []
    options = [_NONE, *columns, *inner]
    label = part.replace("_", " ").capitalize()
    column = st.selectbox(label, options, options.index(now or _NONE), key=key)
    return None if column == _NONE else column
