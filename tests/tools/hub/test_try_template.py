import pytest

from tools.errors import ModelError
from tools.hub.try_template import try_template
from tools.training.tiny_model import build_tiny_tokenizer

TURN = "{{ message['role'] }}: {{ message['content'] }}\n"


def test_templates_that_end_are_accepted() -> None:
    tokenizer = build_tiny_tokenizer(["Some words."])

    try_template(f"{{% for message in messages %}}{TURN}{{% endfor %}}")
    try_template(tokenizer.chat_template)


def test_a_template_that_refuses_these_turns_is_accepted() -> None:
    try_template("{{ raise_exception('The first turn must be of the system.') }}")


@pytest.mark.slow
def test_a_template_that_loops_without_end_is_refused() -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

    with pytest.raises(ModelError, match="chat template"):
        try_template(loop)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 'a' * 20000000000 }}", "more memory or time than a template may have"),
        ("{{ 'a' * 2000000 }}", "makes 2,000,000 characters of two short turns"),
        ("first\n{% for %}", "malformed in line 2"),
    ],
)
def test_a_template_that_asks_for_too_much_is_refused(template: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        try_template(template)
