"""What the report of an imported recipe says, and the files it is made of."""

from pathlib import Path

FILES = Path(__file__).parent / "foreign_recipes"

ANYWAY = "as CrewTune does anyway"
NOT_QUANTISED = "The base is loaded whole rather than quantised, which takes more memory."
PACKED = (
    "Nothing is padded and no row sees another, but a step has as many rows as the batch size says,"
)
ONE_DEVICE = "One device is used."
LOOKS = "The held-out loss is looked at, and a checkpoint kept, eight times in a run."
PLACE = "The studio keeps what a run makes in a place of its own."
SPLIT = "The studio splits the dataset, and watches the loss on rows that are held out."
BROUGHT_IN = "Rows are read and cleaned when the dataset is brought in."
RECORDED = "Runs are recorded in the studio."
FAST = "What makes a run fast or small is chosen for the machine."
PUBLISHED = "A model is published from the studio."
COLUMNS = "Columns and turns are named when the dataset is brought in."
HALF = "CrewTune has no float16; it computes in float32, whose numbers do not overflow."
METHODS = "CrewTune trains by sft, dpo, orpo, kto, simpo or grpo; choose one of them."
LORA = (
    "CrewTune trains LoRA adapters. Ask for LoRA, and for a learning rate about ten times as high."
)


def assumed(tool: str, values: dict[str, object]) -> dict[str, str]:
    return {
        field: f"{value}, which {tool} takes where the file says nothing."
        for field, value in values.items()
    }


def left_out(tool: str) -> str:
    return f"leave_out: {tool} cuts rows that are too long; here they are left out, and counted."
