"""Render a model's chat template once, in a process that may be ended, before it is relied on.

A template is a small program: nested loops can keep a run busy for ever, and one line can ask for
more memory than there is. The sandbox of transformers keeps it from files and code, not from that.

Not covered: a template that behaves here and not on some row of a dataset. Such a run stands still
and can be stopped like any other.
"""

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from tools.errors import ModelError
from tools.hub.render_template import TOO_MUCH

_RENDERER = Path(__file__).with_name("render_template.py").resolve()
_SECONDS = 60  # of the clock, on a busy machine, with the renderer's loading
_CHARACTERS = 100_000
_TURNS = (
    {"role": "user", "content": "Is the door shut?"},
    {"role": "assistant", "content": "It is."},
    {"role": "user", "content": "Thank you."},
    {"role": "assistant", "content": "You are welcome."},
)


@lru_cache(maxsize=64)
def try_template(template: str) -> None:
    """Render `template` over two short turns.

    Raises:
        ModelError: It takes too long or too much memory, writes too much, or is no template.
    """
    try:
        child = subprocess.run(
            # Isolated: neither the environment nor the folder we stand in decides what is loaded.
            [sys.executable, "-I", str(_RENDERER)],
            input=json.dumps({"template": template, "turns": _TURNS}).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(_refused(f"is not rendered after {_SECONDS} s")) from error
    if child.returncode == TOO_MUCH or child.returncode < 0:
        raise ModelError(_refused("asks for more memory or time than a template may have"))
    if child.returncode != 0:
        raise ModelError("The model's chat template could not be tried. Is the installation whole?")
    answer = json.loads(child.stdout)
    if answer["bad_line"]:
        raise ModelError(_refused(f"is malformed in line {answer['bad_line']}"))
    if answer["characters"] > _CHARACTERS:
        raise ModelError(_refused(f"makes {answer['characters']:,} characters of two short turns"))


def _refused(reason: str) -> str:
    return (
        f"The model's chat template {reason}. Use a model whose template was published with it, "
        "or replace its chat_template.jinja."
    )
