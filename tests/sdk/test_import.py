import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).parents[2] / "sdk"


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SDK, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_it_takes_less_than_half_a_second() -> None:
    # Of the processor: a busy machine says nothing about the package.
    code = "import time; t = time.process_time(); import crewtune; print(time.process_time() - t)"

    assert min(float(run(code)) for _ in range(3)) < 0.5


def test_it_loads_nothing_of_ours_but_itself() -> None:
    code = (
        "import sys, crewtune.commands.main; "
        "print(*{'backend', 'agents', 'tools', 'frontend', 'fastapi', 'torch', 'mlflow', 'yaml'}"
        " & {name.partition('.')[0] for name in sys.modules})"
    )

    assert run(code) == ""


def test_what_is_imported_for_scripts_leaves_the_command_line_out() -> None:
    code = "import sys, crewtune; print(*{'typer', 'rich'} & set(sys.modules))"

    assert run(code) == ""
