"""Load models and LoRA adapters. Nothing else in CrewTune does.

Code that comes with a model is never run, pickled weights are never opened, and nothing is fetched:
`resolve_model` has judged and fetched the files before.

Not covered: quantised models, and more than one device a model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.errors import ModelError
from tools.hub.resolve_model import ModelSource
from tools.training.chat_templates import TemplateName, use_template
from tools.training.check_adapter import ADAPTER_CONFIG, check_adapter
from tools.training.out_of_memory import out_of_memory

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Names under which models ship a padding token without declaring it.
_PADDING_NAMES = ("<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>", "<|padding|>")


class LoadedModel(NamedTuple):
    """A model in evaluation mode and its tokenizer, which has a padding token."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"


def load_model(
    source: ModelSource,
    *,
    bf16: bool = False,
    device: str = "cpu",
    chat_template: TemplateName = "own",
) -> LoadedModel:
    """Load the model and the tokenizer of `source` onto `device`.

    Args:
        source: What `resolve_model` found.
        bf16: Hold the weights in bfloat16 rather than float32.
        device: As torch names it, e.g. `cpu` or `cuda:0`.
        chat_template: The template to speak in, when not the tokenizer's own.

    Raises:
        ModelError: The files are damaged or incomplete, the memory is too small, or the template
            does not fit the vocabulary.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = load_tokenizer(source, chat_template)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(source.folder),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype=torch.bfloat16 if bf16 else torch.float32,
            output_loading_info=True,
        )
        model, info = loaded
        model = model.to(device)
    # A damaged file raises whatever the library's code stumbles over, so all of it means the same.
    except Exception as error:
        raise ModelError(_unloadable(source, error)) from error
    _refuse_made_up(source, sorted(info["missing_keys"]))
    _check_vocabulary(source, model, tokenizer)
    model.config.pad_token_id = tokenizer.pad_token_id
    if model.generation_config is not None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    return LoadedModel(model.eval(), tokenizer)


def load_tokenizer(
    source: ModelSource, chat_template: TemplateName = "own"
) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of `source` alone. It has a padding token and speaks in `chat_template`.

    Raises:
        ModelError: The files are missing or damaged, or the template does not fit the vocabulary.
    """
    from transformers import AutoTokenizer
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    # What matters of the library's reports is raised; the rest is noise, with our paths in it.
    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            str(source.folder), trust_remote_code=False, local_files_only=True
        )
    except Exception as error:
        raise ModelError(_unloadable(source, error)) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = _spare_token(source, tokenizer)
    use_template(tokenizer, chat_template)
    return tokenizer


def attach_adapters(model: "PreTrainedModel", adapters: Mapping[str, Path]) -> "PeftModel":
    """Return `model` with the LoRA adapters in the given folders, by name. The first is active.

    `model` itself is changed; what fails leaves it unfit for use.

    Raises:
        ModelError: There is none, one is unsafe or damaged, or it belongs to another base model.
    """
    from peft import PeftModelForCausalLM

    if not adapters:
        raise ModelError("No adapter is given.")
    configs = {name: check_adapter(name, folder) for name, folder in adapters.items()}
    first = next(iter(configs))
    name = first
    try:
        adapted = PeftModelForCausalLM(model, configs[first], adapter_name=first)
        for name, folder in adapters.items():
            if name != first:
                adapted.add_adapter(name, configs[name])
            result = adapted.load_adapter(str(folder), name, torch_device=str(model.device))
            # Keys of other adapters are missing from this one's file, as they should be.
            missing = [key for key in result.missing_keys if f".{name}." in key]
            if missing or result.unexpected_keys:
                raise ModelError(_foreign(name))
    # PEFT reports another base model by whatever does not fit: a shape, a layer, a name.
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        if out_of_memory(error):
            raise ModelError(_too_large(name)) from error
        raise ModelError(_foreign(name)) from error
    return adapted.eval()


def _foreign(name: str) -> str:
    return (
        f"The adapter {name!r} does not fit this model: it was trained on another base model. "
        f"Its {ADAPTER_CONFIG} names the right one."
    )


def _refuse_made_up(source: ModelSource, missing: list[str]) -> None:
    """Refuse a model with weights that were not in its files: they would be random numbers."""
    if missing:
        raise ModelError(
            f"{len(missing)} weights of {source.name!r} are not in its files, the first is "
            f"{missing[0][:80]!r}. Fetch the model again."
        )


def _unloadable(source: ModelSource, error: Exception) -> str:
    if out_of_memory(error):
        return _too_large(source.name)
    return (
        f"{source.name!r} cannot be loaded ({type(error).__name__}). Its files may be damaged or "
        "of a kind this version does not know. Fetch it again, or choose another model."
    )


def _too_large(name: str) -> str:
    return f"The memory is too small for {name!r}. Choose a smaller model."


def _check_vocabulary(
    source: ModelSource, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase"
) -> None:
    embeddings: Any = model.get_input_embeddings()
    rows = int(embeddings.weight.shape[0])
    if max(tokenizer.get_vocab().values(), default=rows) >= rows:
        raise ModelError(
            f"The tokenizer of {source.name!r} has more tokens than the model has embeddings "
            f"({rows:,}). They do not belong together."
        )


def _spare_token(source: ModelSource, tokenizer: "PreTrainedTokenizerBase") -> str:
    """Return a token of the vocabulary to pad with, so that no embedding is added.

    The end token comes last: code that leaves padding out of the loss would then leave out the
    ends of answers too, and the model would never learn to stop.
    """
    vocabulary = tokenizer.get_vocab()
    spare = [name for name in _PADDING_NAMES if name in vocabulary]
    for token in (*spare, tokenizer.unk_token, tokenizer.eos_token):
        if isinstance(token, str) and token:
            return token
    raise ModelError(f"The tokenizer of {source.name!r} has no token to pad with.")
