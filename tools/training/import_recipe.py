"""Read a recipe that was written for another tool, and report what became of each of its names.

LLaMA-Factory, Axolotl and AutoTrain are known, and our own recipes. The tool is recognised by the
names in its file. What its file leaves open has the value that the tool itself would have taken, so
that the run means what it meant there.

Not covered: the rows. Datasets are named, and brought into the studio by their own ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from tools.errors import RecipeError
from tools.training.foreign_recipes.autotrain import AUTOTRAIN
from tools.training.foreign_recipes.axolotl import AXOLOTL
from tools.training.foreign_recipes.draft import Draft, ForeignTool, off
from tools.training.foreign_recipes.llama_factory import LLAMA_FACTORY
from tools.training.read_recipe_file import read_recipe_file
from tools.training.recipe import Recipe, check_recipe

ToolName = Literal["llama-factory", "axolotl", "autotrain", "crewtune"]

_TOOLS: dict[ToolName, ForeignTool] = {
    "llama-factory": LLAMA_FACTORY,
    "axolotl": AXOLOTL,
    "autotrain": AUTOTRAIN,
}


class ImportedRecipe(BaseModel):
    """A recipe of ours, and what became of the names in the file it was read from.

    Fields that neither the file nor its tool sets are not in `recipe.model_fields_set`.
    """

    model_config = ConfigDict(frozen=True)

    tool: ToolName = Field(description="What the file was written for.")
    recipe: Recipe
    dataset: str | None = Field(default=None, description="The dataset that the file names.")
    understood: dict[str, str] = Field(
        description="Names of the file that mean the same here, each with the field it became."
    )
    changed: dict[str, str] = Field(description="Names that do not, with what is done instead.")
    ignored: dict[str, str] = Field(description="Names without a counterpart, each with why.")
    assumed: dict[str, str] = Field(
        description="Fields that the file leaves open, with what its tool takes for them."
    )


def import_recipe(path: Path) -> ImportedRecipe:
    """Return the recipe in `path`, whichever tool it was written for.

    Raises:
        RecipeError: The file cannot be read, mixes tools, asks for what is not there, or has wrong
            values; all that is wrong is named by the file's own names.
    """
    content = read_recipe_file(path)
    name = _recognise(content)
    if name == "crewtune":
        names = _own_names()
        recipe = check_recipe(content)
        return ImportedRecipe(
            tool=name,
            recipe=recipe,
            understood={key: names[key] for key in content},
            changed={},
            ignored={},
            assumed={},
        )
    draft = _translated(_TOOLS[name], content)
    return ImportedRecipe(
        tool=name,
        recipe=_checked(draft),
        dataset=draft.dataset,
        understood=draft.in_order(draft.understood),
        changed=draft.in_order(draft.changed),
        ignored=draft.in_order(draft.ignored),
        assumed=draft.assumed,
    )


def _recognise(content: Mapping[str, object]) -> ToolName:
    """Return the tool that knows most of the names. Ours goes before another that knows as many."""
    known = {name: _names_known(tool, content) for name, tool in _TOOLS.items()}
    own = sum(name in _own_names() for name in content)
    most = max(len(names) for names in known.values())
    if own >= most:
        return "crewtune"
    best = [name for name, names in known.items() if len(names) == most]
    if len(best) > 1:
        told = " and ".join(f"{_TOOLS[name].title} ({_alone(name, known)})" for name in best)
        raise RecipeError(f"The recipe has names of {told}. Keep to those of one of them.")
    return best[0]


def _names_known(tool: ForeignTool, content: Mapping[str, object]) -> list[str]:
    known = {name.partition(".")[0] for name in tool.known()}
    return [name for name in content if name in known or tool.family(name)]


def _alone(tool: ToolName, known: Mapping[ToolName, list[str]]) -> str:
    """Return a name in the file that no other tool knows."""
    others = {name for other, names in known.items() if other != tool for name in names}
    return next((name for name in known[tool] if name not in others), known[tool][0])


def _own_names() -> dict[str, str]:
    """Return the names that our own recipes may use, each with its field."""
    names = {}
    for field, about in Recipe.model_fields.items():
        names[field] = field
        if isinstance(about.validation_alias, AliasChoices):
            names |= {str(alias): field for alias in about.validation_alias.choices}
    return names


def _translated(tool: ForeignTool, content: Mapping[str, object]) -> Draft:
    draft = Draft(tool=tool.title, content=tool.spread(content))
    for part in tool.first:
        part(draft)
    for key in draft.content:
        if not draft.told(key):
            _translate(tool, draft, key)
    for ours, value in tool.defaults.items():
        if ours not in draft.fields and _read(ours, draft.fields.get("method")):
            draft.fields[ours] = value
            draft.assumed[ours] = f"{value}, which {tool.title} takes where the file says nothing."
    return draft


def _read(field: str, method: object) -> bool:
    """Return whether `method` reads the field."""
    return {"beta": method != "sft", "simpo_gamma": method == "simpo"}.get(field, True)


def _translate(tool: ForeignTool, draft: Draft, key: str) -> None:
    value = draft.content[key]
    if key in tool.same:
        draft.take(key, tool.same[key], value)
    elif key in tool.turned:
        tool.turned[key](draft, key)
    elif key in tool.changed and off(value):
        draft.keep(key)
    elif key in tool.changed:
        draft.change(key, tool.changed[key])
    else:
        draft.leave(key, _why_ignored(tool, key))


def _why_ignored(tool: ForeignTool, key: str) -> str:
    if key in tool.ignored:
        return tool.ignored[key]
    family = tool.family(key)
    if family is not None:
        return family
    near = get_close_matches(key, tool.known(), n=1, cutoff=0.8)
    meant = f" Is {near[0]} meant?" if near else ""
    return f"Not a known name of {tool.title}; it changes nothing.{meant}"


def _checked(draft: Draft) -> Recipe:
    """Return the recipe, or tell all that is wrong by the file's own names."""
    problems = list(draft.problems)
    try:
        recipe = Recipe.model_validate(draft.fields)
    except ValidationError as error:
        for problem in error.errors():
            ours = str(problem["loc"][0])
            where = _own_names().get(ours, ours)
            key = draft.origins.get(where, where)
            if not any(told.startswith(f"{key}: ") for told in draft.problems):
                problems.append(f"{key}: {problem['msg']}.")
    if problems:
        raise RecipeError(f"The recipe of {draft.tool} cannot be imported. {' '.join(problems)}")
    return recipe
