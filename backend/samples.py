"""What comes with CrewTune, so that everything can be tried at once."""

from pathlib import Path

TINY = "tiny-instruct"
_FOLDER = Path(__file__).parent.parent / "data" / "samples"
REQUESTS = str(_FOLDER / "refrigeration_requests.jsonl")
PRETRAINING_TEXT = _FOLDER / "pretraining_text.txt"
