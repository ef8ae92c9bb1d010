"""The errors tools raise: what is wrong in the user's words, then what to do.

* ToolError
  x WorkspaceError    a name is not allowed, or the workspace cannot be written
  x DatasetError      a dataset is missing, unreadable, malformed or too small
  x ModelError        a model is missing, unreachable or in an unsafe format
  x RecipeError       a training recipe is invalid
  x TrainingError     a training run failed
    x DiskError       what it made cannot be written
  x EvaluationError   answers cannot be produced or compared
  x TrackingError     the experiment store cannot be read or written

The text is for people; `code` is for programs, and does not change with the wording.
"""

from typing import ClassVar


class ToolError(Exception):
    """Base of everything a tool refuses. Its text is shown to the user as it is."""

    code: ClassVar[str] = "refused"


class WorkspaceError(ToolError):
    """A name is not allowed, or the workspace cannot be written."""

    code = "name_refused"


class DatasetError(ToolError):
    """A dataset is missing, unreadable, malformed or too small."""

    code = "dataset_refused"


class ModelError(ToolError):
    """A model is missing, unreachable or in an unsafe format."""

    code = "model_refused"


class RecipeError(ToolError):
    """A training recipe is invalid."""

    code = "recipe_refused"


class TrainingError(ToolError):
    """A training run failed."""

    code = "training_failed"


class DiskError(TrainingError):
    """What a training made cannot be written: as a rule because the disk is full."""

    code = "disk_full"


class EvaluationError(ToolError):
    """Answers cannot be produced or compared."""

    code = "evaluation_failed"


class TrackingError(ToolError):
    """The experiment store cannot be read or written."""

    code = "tracking_unavailable"


def spoken(error: OSError) -> str:
    """Return what went wrong with a file, without the path in which it lies."""
    return error.strerror or type(error).__name__
