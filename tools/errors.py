"""The errors tools raise: what is wrong in the user's words, then what to do.

* ToolError
  x WorkspaceError    a name is not allowed, or the workspace cannot be written
  x DatasetError      a dataset is missing, unreadable, malformed or too small
  x ModelError        a model is missing, unreachable or in an unsafe format
  x RecipeError       a training recipe is invalid
  x TrainingError     a training run failed
  x EvaluationError   answers cannot be produced or compared
  x TrackingError     the experiment store cannot be read or written
"""


class ToolError(Exception):
    """Base of everything a tool refuses. Its text is shown to the user as it is."""


class WorkspaceError(ToolError):
    """A name is not allowed, or the workspace cannot be written."""


class DatasetError(ToolError):
    """A dataset is missing, unreadable, malformed or too small."""


class ModelError(ToolError):
    """A model is missing, unreachable or in an unsafe format."""


class RecipeError(ToolError):
    """A training recipe is invalid."""


class TrainingError(ToolError):
    """A training run failed."""


class EvaluationError(ToolError):
    """Answers cannot be produced or compared."""


class TrackingError(ToolError):
    """The experiment store cannot be read or written."""


def spoken(error: OSError) -> str:
    """Return what went wrong with a file, without the path in which it lies."""
    return error.strerror or type(error).__name__
