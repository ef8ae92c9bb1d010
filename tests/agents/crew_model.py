"""A scripted model that does the work of all four agents, through the real CrewAI."""

import json
from typing import Any

from tests.agents.scripted_llm import ScriptedLLM, call


class CrewModel(ScriptedLLM):
    """Calls the tools of each agent in the order of its script, then answers from the results."""

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        self.told.append(json.dumps(messages, default=str))
        results = {one["name"]: one["content"] for one in messages if one.get("role") == "tool"}
        for tool, source in SCRIPT[messages[0]["content"].partition(".")[0]]:
            if tool not in results:
                named: dict[str, Any] = (
                    {"dataset": json.loads(results[source])["dataset"]} if source else {}
                )
                if tool == "repair_dataset":
                    named["repairs"] = ["redact", "remove_invalid"]
                return call(tool, **named)
        return json.dumps(ANSWERS[messages[0]["content"].partition(".")[0]](results))


SCRIPT: dict[str, list[tuple[str, str]]] = {
    "You are Data Manager": [
        ("import_user_dataset", ""),
        ("repair_dataset", "import_user_dataset"),
        ("split_for_training", "repair_dataset"),
    ],
    "You are Training Specialist": [
        ("probe_machine", ""),
        ("prove_training_masks", ""),
        ("recommend_recipe", ""),
        ("train_adapter", ""),
    ],
    "You are Evaluation Expert": [
        ("find_todays_champion", ""),
        ("answer_heldout_rows", ""),
        ("compare_with_base", ""),
        ("ask_gate", ""),
    ],
    "You are MLflow Monitor": [
        ("record_this_run", ""),
        ("register_adapter", ""),
        ("ask_promotion", ""),
    ],
}
ANSWERS: dict[str, Any] = {
    "You are Data Manager": lambda seen: {
        "verdict": "fit after repairs",
        **{
            part: json.loads(seen["split_for_training"])[part]
            for part in ("train", "validation", "heldout")
        },
        "reasons": "Faulty rows are gone.",
    },
    "You are Training Specialist": lambda seen: {
        "verdict": "trained",
        "adapter_sha256": json.loads(seen["train_adapter"])["adapter_sha256"],
        "reasons": "The loss fell.",
    },
    "You are Evaluation Expert": lambda seen: {
        "verdict": json.loads(seen["ask_gate"])["verdict"],
        "reasons": "So says the gate.",
    },
    "You are MLflow Monitor": lambda seen: {
        "verdict": "recorded",
        "version": json.loads(seen["register_adapter"])["version"],
        "champion": json.loads(seen["ask_promotion"])["promoted"],
        "reasons": "It is on record.",
    },
}
