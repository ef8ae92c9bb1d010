"""Write and read the checkpoints of a training: weights, optimiser, generators and its state.

Each is complete or absent (`checkpoints`). The two newest are kept, and the one with the lowest
held-out loss.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import DiskError
from tools.training.check_adapter import ADAPTER_WEIGHTS
from tools.training.checkpoints import Checkpoints, newest_sound, rotate, seal
from tools.training.guard_writing import guard_writing
from tools.training.learner import Learner, random_state, set_random_state
from tools.training.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 2  # the one before the last is there for when the last is damaged
_STATE, _OPTIMIZER = "state.json", "optimizer.pt"


class Checkpointer:
    """Keeps the state of one run in a folder."""

    def __init__(
        self, checkpoints: Checkpoints, learner: Learner, tell: Callable[[str], None]
    ) -> None:
        self._checkpoints, self._learner, self._tell = checkpoints, learner, tell

    def save(self, state: RunState) -> None:
        """Write a checkpoint of `state` and of the learner as it is.

        Raises:
            DiskError: It cannot be written; the one before it is intact.
        """
        refusal = (
            f"The checkpoint at step {state.step} cannot be written; the one before it is intact. "
            "Free some space on the disk, then go on with the run."
        )
        with guard_writing(DiskError(refusal)):
            self._write(state)

    def _write(self, state: RunState) -> None:
        import torch

        folder, name = self._checkpoints.folder, f"checkpoint-{state.step}"
        aside = folder / ".writing" / name
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        self._learner.model.save_pretrained(str(aside), save_embedding_layers=False)
        kept = {"optimizer": self._learner.optimizer.state_dict(), "random": random_state()}
        torch.save(kept, aside / _OPTIMIZER)
        (aside / _STATE).write_text(state.model_dump_json(), encoding="utf-8")
        seal(aside, folder / name, step=state.step, fingerprint=self._checkpoints.fingerprint)
        rotate(folder, keep=_KEPT, also=state.best_step)

    def load_newest(self) -> RunState | None:
        """Bring the learner to the newest sound checkpoint, and return its state, if any."""
        import torch

        folder, fingerprint = self._checkpoints.folder, self._checkpoints.fingerprint
        shutil.rmtree(folder / ".writing", ignore_errors=True)
        found = newest_sound(folder, fingerprint, self._tell)
        if found is None:
            # Of another recipe, perhaps with higher steps, which would be taken for the newer ones.
            shutil.rmtree(folder, ignore_errors=True)
            return None
        self._load_weights(found)
        device = self._learner.model.device
        kept: dict[str, Any] = torch.load(
            found / _OPTIMIZER, map_location=device, weights_only=True
        )
        self._learner.optimizer.load_state_dict(kept["optimizer"])
        set_random_state(kept["random"])
        state = RunState.model_validate_json((found / _STATE).read_text(encoding="utf-8"))
        self._learner.most_tokens = state.most_tokens or self._learner.most_tokens
        return state

    def load_best(self, state: RunState) -> None:
        """Bring the learner's weights to the lowest held-out loss, where they are kept."""
        best = self._checkpoints.folder / f"checkpoint-{state.best_step}"
        if best.is_dir():
            self._load_weights(best)

    def _load_weights(self, checkpoint: Path) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        model = self._learner.model
        set_peft_model_state_dict(model, load_file(str(checkpoint / ADAPTER_WEIGHTS)))
