"""Models that say what they were made to say, and a tokenizer of sixteen words."""

from itertools import pairwise
from typing import Any

TEXT = "red blue green apple sky grass is the <think> hmm </think> one two three four five"
WORDS = TEXT.split()
SPECIAL = ["<end>", "<eos>", "<pad>"]
# A turn is its words; an answer is closed by <end>, which is not the end-of-sequence token.
TEMPLATE = (
    "{% for m in messages %}{{ m.content + ' ' }}"
    "{% if m.role == 'assistant' %}<end>{% endif %}{% endfor %}"
)


def make_tokenizer(template: str | None = TEMPLATE, eos: str | None = "<eos>") -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="the"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token=eos,
        pad_token="<pad>",
        extra_special_tokens=["<end>"],
    )
    tokenizer.chat_template = template
    return tokenizer


def make_model(*, hidden: int = 32, seed: int = 0) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=1,
            num_key_value_heads=1,
            initializer_range=0.5,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
    )


def make_speaker(tokenizer: Any, *sentences: str) -> Any:
    """A model that goes on from any word as the sentences do, and ends after their last."""
    import torch

    size = len(tokenizer)
    model = make_model(hidden=size + size % 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0)
        model.model.embed_tokens.weight.fill_diagonal_(1.0)
        for sentence in sentences:
            ids = tokenizer(sentence, add_special_tokens=False).input_ids
            for word, following in pairwise(ids):
                model.lm_head.weight[following, word] = 1.0
    return model


def with_adapters(model: Any, *names: str) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config, adapter_name=names[0])
    for name in names[1:]:
        adapted.add_adapter(name, config)
    torch.manual_seed(1)
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_B" in key:
                parameter.normal_(std=0.5)
    return adapted
