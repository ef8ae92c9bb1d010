"""Names are found by a pipeline of spaCy's where there is one, and its absence is explained."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.tools.data.rows import chat, load_version, save_version
from tools.data.privacy.detect import finder_of
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.privacy.redact import redact
from tools.errors import DatasetError

PIPELINE = "en_known_names"

with_spacy = pytest.mark.skipif(find_spec("spacy") is None, reason="spaCy is not installed")


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Save a pipeline that knows two names and one firm to the current folder."""
    import spacy

    model = spacy.blank("en")
    ruler = model.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "Anna Berg"},
            {"label": "PERSON", "pattern": "Omar"},
            {"label": "ORG", "pattern": "Firm"},
        ]
    )
    monkeypatch.chdir(tmp_path)
    model.to_disk(PIPELINE)
    return PIPELINE


@with_spacy
@pytest.mark.parametrize(
    ("action", "question"),
    [
        ("mask", "Does [NAME] of Firm know [NAME]?"),
        ("pseudonymise", "Does [NAME-1] of Firm know [NAME-2]?"),
        ("report", "Does Anna Berg of Firm know Omar?"),
    ],
)
def test_names_are_found_by_a_named_pipeline(
    tmp_path: Path, pipeline: str, action: str, question: str
) -> None:
    rows = [chat("Does Anna Berg of Firm know Omar?", "Yes.")]
    policy = PrivacyPolicy.model_validate({"name": action, "name_pipeline": pipeline})

    report = redact(save_version(tmp_path, rows), tmp_path, policy)

    assert load_version(tmp_path, report.dataset) == [chat(question, "Yes.")]
    assert report.found == {"name": 2}


@with_spacy
def test_a_name_after_many_characters_is_found_in_its_place(pipeline: str) -> None:
    text = "word " * 30_000 + "Omar"

    (span,) = finder_of(PrivacyPolicy(name_pipeline=pipeline))(text)

    assert text[span.start : span.end] == "Omar"


@with_spacy
def test_a_pipeline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no spaCy pipeline 'en_absent'"):
        finder_of(PrivacyPolicy(name_pipeline="en_absent"))


@pytest.mark.skipif(find_spec("spacy") is not None, reason="spaCy is installed")
def test_without_spacy_the_remedy_is_told() -> None:
    with pytest.raises(DatasetError, match="`pip install spacy`, or leave name_pipeline empty"):
        finder_of(PrivacyPolicy(name_pipeline="en_core_web_sm"))


@pytest.mark.parametrize("pipeline", ["os", "../evil", "/tmp/en_x", "en_core; import os", "EN_X"])
def test_a_pipeline_is_named_and_never_a_path(pipeline: str) -> None:
    with pytest.raises(ValidationError):
        PrivacyPolicy(name_pipeline=pipeline)
