import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "mlflow", "crewai", "scipy", "pyarrow"}
TOOLS = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in sorted(ROOT.glob("tools/**/*.py"))
    if path.name != "__init__.py"
]


def loaded_by(*modules: str) -> set[str]:
    """Return which heavy libraries a fresh Python has loaded after importing `modules`."""
    probe = f"import sys, {', '.join(modules)}; print(*{HEAVY!r} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_no_tool_loads_a_heavy_library_when_imported() -> None:
    assert loaded_by(*TOOLS) == set()


def test_recipe_and_answers_load_no_heavy_library() -> None:
    assert loaded_by("tools.training.recipe", "agents.answers") == set()


@pytest.mark.parametrize("module", ["backend.settings", "backend.demo", "backend.verdict_screen"])
def test_the_command_line_starts_without_the_stack(module: str) -> None:
    assert loaded_by(module) == set()
