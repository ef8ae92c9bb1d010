"""The parts of tiny-instruct: its size, its tokenizer with a chat template, and its empty network.

A Llama of about one million parameters, small enough to be trained on two processor cores while
one waits. Not covered: giving it what it knows, which is `pretrain.py`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_PAD, _START, _END = "<|pad|>", "<|im_start|>", "<|im_end|>"

# The end-of-turn token stands inside the generation markers: a model that is not trained on it
# never learns to stop.
_CHAT_TEMPLATE = """\
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|im_start|>assistant\\n' -}}
{%- generation -%}
{{- message['content'] + '<|im_end|>' -}}
{%- endgeneration -%}
{{- '\\n' -}}
{%- elif message['role'] == 'system' -%}
{{- '<|im_start|>system\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>user\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""


class TinySize(BaseModel):
    """How large the network is and how long it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: int = Field(default=1536, ge=300, description="Entries of the tokenizer at most.")
    hidden: int = Field(default=144, ge=8)
    intermediate: int = Field(default=432, ge=8)
    layers: int = Field(default=3, ge=1)
    heads: int = Field(default=4, ge=1)
    positions: int = Field(default=512, ge=32, description="Longest text in tokens.")
    steps: int = Field(default=480, ge=1, description="Optimiser steps.")
    batch_rows: int = Field(default=8, ge=1, description="Blocks of text a step.")
    block_tokens: int = Field(default=128, ge=8)


TINY_INSTRUCT = TinySize()


def build_tiny_tokenizer(
    texts: Iterable[str], size: TinySize = TINY_INSTRUCT
) -> "PreTrainedTokenizerFast":
    """Train a byte-level BPE tokenizer on `texts` and give it a ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    wrap: Any = PreTrainedTokenizerFast  # its constructor has no types
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size.vocabulary,
        special_tokens=[_PAD, _START, _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    wrapped: PreTrainedTokenizerFast = wrap(
        tokenizer_object=tokenizer,
        pad_token=_PAD,
        eos_token=_END,
        additional_special_tokens=[_START],
        chat_template=_CHAT_TEMPLATE,
        model_max_length=size.positions,
        clean_up_tokenization_spaces=False,
    )
    return wrapped


def build_tiny_network(tokenizer: "PreTrainedTokenizerFast", size: TinySize) -> "LlamaForCausalLM":
    """Return a network with random weights, drawn from torch's current seed."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    special = {
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=size.hidden,
            intermediate_size=size.intermediate,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            max_position_embeddings=size.positions,
            tie_word_embeddings=True,
            initializer_range=size.hidden**-0.5,
            **special,
        )
    )
    model.generation_config = GenerationConfig.from_dict({"do_sample": False, **special})
    return model
