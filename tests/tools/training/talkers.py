"""Tokenizers of single bytes and the markers of chat templates, and what of a row is learned."""

from itertools import groupby
from typing import Any

from tools.training.chat_templates import TEMPLATES
from tools.training.encode import IGNORED, EncodedRow

MARKERS = sorted({marker for one in TEMPLATES.values() for marker in one.markers} - {"<s>", "</s>"})


def make_talker(*markers: str, begins: bool = False, eos: str | None = "</s>") -> Any:
    """Return a tokenizer that knows `markers`; one that `begins` puts <s> before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<s>", "</s>", *markers]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token=eos,
        pad_token="<pad>",
        extra_special_tokens=[one for one in special if one not in ("<pad>", "<s>", eos)],
        clean_up_tokenization_spaces=False,
    )


def seen(row: EncodedRow, tokenizer: Any) -> str:
    """Return the text of a row with what is in its loss between ⟦ and ⟧."""
    parts = []
    pairs = zip(row.input_ids, row.labels, strict=True)
    for learned, group in groupby(pairs, key=lambda pair: pair[1] != IGNORED):
        text = tokenizer.decode([token for token, _ in group])
        parts.append(f"⟦{text}⟧" if learned else text)
    return "".join(parts)
