"""Find names of persons with spaCy, where the user has installed it and a pipeline.

Names are guessed by a model, so some are missed and some words are taken for names.

Not covered: installing spaCy or a pipeline, and names of firms and places.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from tools.data.privacy.span import Finder, PrivateSpan
from tools.errors import DatasetError

_LABELS = {"PERSON", "PER"}
_NOT_NEEDED = ["parser", "lemmatizer", "textcat"]
# A pipeline takes some hundred bytes a character, and refuses a million characters.
_PIECE_CHARACTERS = 50_000
# What stands where a value was taken out, which some pipelines take for a name.
_STAND_IN = re.compile(r"\[[A-Z_]{2,20}(?:-[0-9]{1,9})?\]")
_NOT_IN_A_NAME = re.compile(r"[@\d\[\]]")


@cache
def load_names(pipeline: str) -> Finder:
    """Return what finds names with the spaCy pipeline `pipeline`. It is loaded once.

    Raises:
        DatasetError: spaCy or the pipeline is not installed.
    """
    try:
        # Not an import statement: spaCy is the user's choice and no part of the installation.
        spacy = import_module("spacy")
    except ImportError as error:
        raise DatasetError(
            "Names are found with spaCy, which is not installed. Install it with "
            "`pip install spacy`, or leave name_pipeline empty."
        ) from error
    try:
        model = spacy.load(pipeline, exclude=_NOT_NEEDED)
    except OSError as error:
        raise DatasetError(
            f"There is no spaCy pipeline {pipeline!r}. Install it with "
            f"`python -m spacy download {pipeline}`, or leave name_pipeline empty."
        ) from error
    return lambda text: tuple(_names(text, model))


def _names(text: str, model: Any) -> Iterator[PrivateSpan]:
    shown = _STAND_IN.sub(lambda match: " " * len(match[0]), text)
    for start, piece in _pieces(shown):
        for entity in model(piece).ents:
            name = entity.text.strip()
            if entity.label_ in _LABELS and name and not _NOT_IN_A_NAME.search(name):
                first = start + entity.start_char + entity.text.index(name)
                yield PrivateSpan("name", first, first + len(name))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield `text` in pieces, each with its place. They end at a space where there is one."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARACTERS
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        yield start, text[start:end]
        start = end
