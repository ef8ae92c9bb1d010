"""The program that `try_template` runs: render one chat template within limits; tell its length.

It stands alone, for it runs isolated: it finds the libraries, but not this package.
"""

import json
import math
import sys
from typing import Any

TOO_MUCH = 3
_CPU_SECONDS = 4  # a template takes milliseconds
_MEMORY_BYTES = 4 << 30  # with the renderer, which reserves about one


def main() -> int:
    """Read the template and the turns from standard input, and return the exit code."""
    import resource

    from transformers.utils.chat_template_utils import render_jinja_template

    given = json.load(sys.stdin)
    used = math.ceil(resource.getrusage(resource.RUSAGE_SELF).ru_utime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + _CPU_SECONDS, used + _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        answer = _render(render_jinja_template, given["template"], given["turns"])
    except (MemoryError, OverflowError):
        return TOO_MUCH
    json.dump(answer, sys.stdout)
    return 0


def _render(render: Any, template: str, turns: list[dict[str, str]]) -> dict[str, int]:
    from jinja2 import TemplateSyntaxError

    try:
        texts, _ = render([turns], chat_template=template, bos_token="", eos_token="")
    except TemplateSyntaxError as error:
        return {"bad_line": error.lineno, "characters": 0}
    except (MemoryError, OverflowError):
        raise
    except Exception:
        # A template may refuse these turns with good reason. On real rows the refusal is told.
        return {"bad_line": 0, "characters": 0}
    return {"bad_line": 0, "characters": len(texts[0])}


if __name__ == "__main__":
    sys.exit(main())
