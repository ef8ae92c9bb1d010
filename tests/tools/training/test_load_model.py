import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from tools.errors import ModelError
from tools.hub.resolve_model import ModelSource, resolve_model
from tools.training.load_model import attach_adapters, load_model
from tools.workspace import Workspace

# PEFT asks transformers for an attribute by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def make_model(
    folder: Path, *, hidden: int = 32, layers: int = 2, tokens: dict[str, str] | None = None
) -> Path:
    words = Tokenizer(models.BPE(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "</s>", "<pad>"], show_progress=False
    )
    words.train_from_iterator(["the cat sat on the mat", "the dog ran to the cat"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", **(tokens or {}))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_adapter(model: Path, folder: Path, **settings: Any) -> Path:
    base = AutoModelForCausalLM.from_pretrained(model)
    # Not PEFT's usual start, with which an adapter changes nothing.
    config = LoraConfig(
        task_type="CAUSAL_LM",
        init_lora_weights=False,
        **{"r": 4, "target_modules": "all-linear", **settings},
    )
    get_peft_model(base, config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tiny_model, tmp_path_factory.mktemp("adapters") / "first")


def found(folder: Path) -> ModelSource:
    return resolve_model(str(folder), workspace=Workspace(folder.parent / "work"))


def edit(file: Path, **changes: object) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        answer: torch.Tensor = model(input_ids=torch.tensor([[5, 6, 7]])).logits
    return answer


def test_weights_arrive_as_they_were_saved(
    tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, tokenizer = load_model(found(tiny_model))

    assert not model.training
    assert model.dtype == torch.float32
    assert tokenizer.decode(tokenizer("the cat").input_ids) == "the cat"
    saved = load_file(tiny_model / "model.safetensors")
    state = model.state_dict()
    assert all(torch.equal(state[name], saved[name]) for name in saved)
    assert capfd.readouterr() == ("", "")


def test_bf16_holds_the_weights_in_bfloat16(tiny_model: Path) -> None:
    assert load_model(found(tiny_model), bf16=True).model.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [({"pad_token": "</s>"}, "</s>"), ({"unk_token": "<unk>"}, "<pad>"), ({}, "<pad>")],
)
def test_a_missing_padding_token_is_taken_from_the_vocabulary(
    tmp_path: Path, tokens: dict[str, str], expected: str
) -> None:
    source = found(make_model(tmp_path / "model", tokens=tokens))

    model, tokenizer = load_model(source)

    assert tokenizer.pad_token == expected
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert model.get_input_embeddings().weight.shape[0] == source.vocab_size


def test_weights_that_are_not_in_the_files_are_not_made_up(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ModelError, match=r"1 weights of .*'model\.layers\.1\.mlp\.up_proj"):
        load_model(found(folder))


def test_files_that_do_not_belong_together_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    edit(folder / "config.json", intermediate_size=65)

    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(found(folder))


def test_a_tokenizer_of_another_model_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    key = "model.embed_tokens.weight"
    fewer = {**weights, key: weights[key][:20].clone()}
    save_file(fewer, folder / "model.safetensors", metadata={"format": "pt"})
    edit(folder / "config.json", vocab_size=20)

    with pytest.raises(ModelError, match="more tokens than the model has embeddings"):
        load_model(found(folder))


def test_a_folder_without_tokenizer_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    for file in folder.glob("tokenizer*"):
        file.unlink()

    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(found(folder))


def test_code_and_pickles_beside_the_weights_are_never_opened(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    canary = tmp_path / "canary"
    trap = f"open({str(canary)!r}, 'w').close()"
    for name in ("configuration_llama.py", "modeling_llama.py", "tokenization_llama.py"):
        (folder / name).write_text(trap, encoding="utf-8")
    # A pickle that calls `open` when it is read.
    pickle = f"cbuiltins\nopen\n(S{str(canary)!r}\nS'w'\ntR.".encode()
    for name in ("pytorch_model.bin", "training_args.bin", "rng_state.pth"):
        (folder / name).write_bytes(pickle)
    source = found(folder)
    # The check of the files came before; loading must not run code either.
    edit(folder / "config.json", auto_map={"AutoConfig": "configuration_llama.Config"})

    load_model(source)

    assert not canary.exists()


def test_an_attached_adapter_answers_as_it_was_trained(tiny_model: Path, adapter: Path) -> None:
    base = load_model(found(tiny_model)).model
    plain = logits(base)

    adapted = attach_adapters(base, {"tuned": adapter})

    assert adapted.active_adapters == ["tuned"]
    assert not adapted.training
    saved = load_file(adapter / "adapter_model.safetensors")
    state = adapted.state_dict()
    assert saved
    for name, tensor in saved.items():
        assert torch.equal(state[name.replace(".weight", ".tuned.weight")], tensor)
    assert not torch.allclose(logits(adapted), plain)
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted), plain)


def test_several_adapters_share_one_base(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    other = make_adapter(tiny_model, tmp_path / "other", lora_alpha=64, use_rslora=True)
    alone = logits(attach_adapters(load_model(found(tiny_model)).model, {"b": other}))

    both = attach_adapters(load_model(found(tiny_model)).model, {"a": adapter, "b": other})

    assert both.active_adapters == ["a"]
    assert not torch.allclose(logits(both), alone)
    both.set_adapter("b")
    assert torch.equal(logits(both), alone)


@pytest.mark.parametrize(("hidden", "layers"), [(64, 2), (32, 1), (32, 3)])
def test_an_adapter_of_another_base_is_refused(
    tiny_model: Path, tmp_path: Path, hidden: int, layers: int
) -> None:
    adapter = make_adapter(tiny_model, tmp_path / "adapter", target_modules=["q_proj", "up_proj"])
    other = make_model(tmp_path / "other", hidden=hidden, layers=layers)
    model = load_model(found(other)).model

    with pytest.raises(ModelError, match="'tuned' does not fit this model"):
        attach_adapters(model, {"tuned": adapter})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"peft_type": "IA3"}, "peft_type"),
        ({"r": 10**9}, "see r in"),
        ({"rank_pattern": {"q_proj": 10**9}}, "rank_pattern"),
        ({"megatron_config": {"x": 1}, "megatron_core": "antigravity"}, "megatron_config"),
        ({"auto_mapping": {"parent_library": "antigravity"}}, "auto_mapping"),
        ({"layer_replication": [[0, 2], [0, 2]]}, "layer_replication"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
    ],
)
def test_an_adapter_that_asks_for_more_than_lora_is_refused(
    tiny_model: Path, adapter: Path, tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    edit(folder / "adapter_config.json", **changes)
    model = load_model(found(tiny_model)).model

    with pytest.raises(ModelError, match=complaint):
        attach_adapters(model, {"tuned": folder})


@pytest.mark.parametrize(
    ("file", "complaint"),
    [("adapter_config.json", "There is no adapter"), ("adapter_model.safetensors", "Pickled")],
)
def test_an_incomplete_adapter_is_refused(
    tiny_model: Path, adapter: Path, tmp_path: Path, file: str, complaint: str
) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    (folder / file).rename(folder / "adapter_model.bin")

    with pytest.raises(ModelError, match=complaint):
        attach_adapters(load_model(found(tiny_model)).model, {"tuned": folder})


def test_a_damaged_adapter_is_refused(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])

    with pytest.raises(ModelError, match="damaged"):
        attach_adapters(load_model(found(tiny_model)).model, {"tuned": folder})


def test_no_adapter_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="No adapter"):
        attach_adapters(load_model(found(tiny_model)).model, {})
