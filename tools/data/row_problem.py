"""What is wrong with one row, and what to do about it."""

from pydantic import BaseModel, ConfigDict, Field


class RowProblem(BaseModel):
    """Why a row was left out of an import."""

    model_config = ConfigDict(frozen=True)

    row: int = Field(description="Number of the row, or line, in the file.")
    field: str = Field(description="The column at fault.")
    problem: str
    remedy: str


class RowRefusedError(Exception):
    """A row cannot become a conversation; it is left out, and the import goes on."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem
        self.remedy = remedy
