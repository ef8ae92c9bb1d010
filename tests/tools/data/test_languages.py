from pathlib import Path

from tests.tools.data.rows import chat, save_version
from tools.data.languages import languages

ENGLISH = chat("How do I start the machine after a power cut?", "Press the green button twice.")
GERMAN = chat("Wie starte ich die Maschine nach einem Stromausfall?", "Drücken Sie zweimal Grün.")


def test_languages_are_told_with_their_shares(tmp_path: Path) -> None:
    source = save_version(tmp_path, [ENGLISH, GERMAN, ENGLISH, ENGLISH])

    assert languages(source, rows=4) == {"en": 0.75, "de": 0.25}


def test_nothing_is_said_of_short_texts(tmp_path: Path) -> None:
    assert languages(save_version(tmp_path, [chat("Hi", "Yes")]), rows=1) == {}
