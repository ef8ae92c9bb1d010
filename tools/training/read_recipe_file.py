"""Read the names and values of a recipe file that somebody else wrote.

The file is YAML, of which JSON is a part. It may be hostile: it is read up to a size, a depth and a
number of values, and nothing in it is run.

Not covered: anchors and aliases. A few lines of them can stand for more values than fit the memory,
and a name that is given twice may hide in them, so they are refused.
"""

from pathlib import Path
from typing import Any

import yaml

from tools.errors import RecipeError, spoken

_MOST_BYTES = 64 * 1024
_MOST_VALUES = 1000  # names count, too
_LONGEST_NAME = 100  # characters
_DEEPEST = 20  # lists and mappings in each other


def read_recipe_file(path: Path) -> dict[str, object]:
    """Return the names at the top of the file with their values; those without one are left out.

    Raises:
        RecipeError: The file cannot be read, is no list of names and values, or is too large.
    """
    text = _text(path)
    try:
        _check_shape(text, path.name)
        content = yaml.load(text, Loader=_OnceLoader)
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RecipeError(f"The recipe {path.name!r} cannot be read as YAML{line}.") from error
    except (yaml.YAMLError, ValueError) as error:
        # Python refuses numbers of thousands of digits, and dates that there are not.
        raise RecipeError(f"The recipe {path.name!r} cannot be read as YAML.") from error
    return _names(content, path.name)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise RecipeError(
                f"The recipe {path.name!r} is larger than {_MOST_BYTES // 1024} KiB; is it a "
                "recipe?"
            )
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise RecipeError(f"The recipe {path.name!r} cannot be read: {spoken(error)}.") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"The recipe {path.name!r} is not text in UTF-8.") from error


def _line(event: yaml.Event) -> str:
    return f" at line {event.start_mark.line + 1}" if event.start_mark else ""


def _check_shape(text: str, name: str) -> None:
    depth = values = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise RecipeError(
                f"The recipe {name!r} refers to another of its values with *{_line(event)}. Write "
                "the value itself there."
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.ScalarEvent)
        if depth > _DEEPEST:
            raise RecipeError(f"The recipe {name!r} has lists in lists, more than {_DEEPEST} deep.")
        if values > _MOST_VALUES:
            raise RecipeError(f"The recipe {name!r} has more than {_MOST_VALUES:,} values.")


class _OnceLoader(yaml.SafeLoader):
    """Reads a name that stands there twice as a mistake. YAML's own loader takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise RecipeError(
                        f"{key.value[:_LONGEST_NAME]} stands in the recipe twice, the second time "
                        f"at line {key.start_mark.line + 1}. Keep one of them."
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _names(content: object, name: str) -> dict[str, object]:
    if not isinstance(content, dict) or not content:
        raise RecipeError(f"The recipe {name!r} must be a list of 'name: value' lines.")
    for key in content:
        if not isinstance(key, str) or len(key) > _LONGEST_NAME:
            raise RecipeError(
                f"The names in the recipe {name!r} must be words, of at most {_LONGEST_NAME} "
                "characters."
            )
    return {key: value for key, value in content.items() if value is not None}
