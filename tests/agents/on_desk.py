"""What a test looks at after an agent has worked at a desk."""

from agents.desk import Desk
from agents.receipts import Receipt
from tests.agents.scripted_llm import ScriptedLLM
from tests.listener import Listener


def receipt_of(desk: Desk) -> Receipt:
    """Return the one receipt of the run."""
    [path] = (desk.folder / "receipts").glob("*.json")
    return Receipt.model_validate_json(path.read_text(encoding="utf-8"))


def told(desk: Desk) -> list[str]:
    """Return what the scripted model was told, one text a question."""
    assert isinstance(desk.studio.llm, ScriptedLLM)
    return desk.studio.llm.told


def logs(desk: Desk) -> list[str]:
    """Return what the user was told."""
    assert isinstance(desk.studio.progress, Listener)
    return desk.studio.progress.logs
