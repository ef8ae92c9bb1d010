import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tools.errors import ModelError
from tools.hub.check_model_folder import check_model_folder

Edit = Callable[..., None]


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_model_folder(folder)
    assert str(folder) not in str(caught.value)
    return str(caught.value)


def test_shards_are_one_model(copy: Path, edit: Edit) -> None:
    whole = check_model_folder(copy)
    arrays = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(arrays)
    shards = {"a.safetensors": names[:5], "b.safetensors": names[5:]}
    for file, keys in shards.items():
        save_file({key: arrays[key] for key in keys}, copy / file)
    weight_map = {key: file for file, keys in shards.items() for key in keys}
    edit(copy / "model.safetensors.index.json", weight_map=weight_map)

    assert check_model_folder(copy).parameters == whole.parameters

    (copy / "b.safetensors").unlink()
    assert "'b.safetensors' is missing" in refusal(copy)
    edit(copy / "model.safetensors.index.json", weight_map={"x": "../secret.safetensors"})
    assert "does not list safetensors files of this folder" in refusal(copy)


def test_an_adapter_is_not_a_model(tmp_path: Path, edit: Edit) -> None:
    edit(tmp_path / "adapter_config.json", peft_type="LORA")

    assert "is a LoRA adapter, not a whole model" in refusal(tmp_path)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_code_that_comes_with_a_model_is_refused(
    copy: Path, edit: Edit, tmp_path: Path, file: str
) -> None:
    canary = tmp_path / "canary"
    (copy / "evil.py").write_text(f"open({str(canary)!r}, 'w').close()", encoding="utf-8")
    edit(copy / file, auto_map={"AutoConfig": "evil.Config"})

    message = refusal(copy)

    assert f"{file} asks to run Python code" in message
    assert not canary.exists()


def test_pickled_weights_are_refused_with_a_way_out(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")

    message = refusal(copy)

    assert "pickle" in message
    assert "save_pretrained" in message


def test_a_folder_without_weights_is_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()

    assert "holds no model.safetensors" in refusal(copy)


@pytest.mark.parametrize("damage", ["long header", "cut short", "not safetensors", "empty"])
def test_damaged_weights_are_refused(copy: Path, damage: str) -> None:
    file = copy / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(
        {
            "long header": struct.pack("<Q", 2**62) + content[8:],
            "cut short": content[:-100],
            "not safetensors": b"x" * 1000,
            "empty": b"",
        }[damage]
    )

    assert "'model.safetensors' is damaged" in refusal(copy)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers is 1000000"),
        ({"n_layer": 1_000_000}, "n_layer is 1000000"),
        ({"text_config": {"hidden_size": 10**9}}, "hidden_size is 1000000000"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"hidden_size": "32"}, "hidden_size is 32"),
        ({"hidden_size": float("nan")}, "hidden_size is nan"),
        ({"num_hidden_layers": 500}, "declares about"),
        ({"model_type": "llama\nimport os"}, "no usable model_type"),
        ({"model_type": None}, "no usable model_type"),
        ({"model_type": "no_such_type"}, "not a causal language model"),
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "not a causal language"),
        ({"quantization_config": {"bits": 4}}, "quantised"),
    ],
)
def test_a_configuration_that_cannot_be_true_is_refused(
    copy: Path, edit: Edit, changes: dict[str, object], complaint: str
) -> None:
    edit(copy / "config.json", **changes)

    assert complaint in refusal(copy)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"a": "\ud800"'])
def test_a_configuration_that_is_no_json_object_is_refused(copy: Path, text: str) -> None:
    (copy / "config.json").write_bytes(text.encode("utf-8", "surrogatepass"))

    assert "config.json" in refusal(copy)


def test_sizes_of_the_text_part_are_the_models(copy: Path, edit: Edit) -> None:
    edit(copy / "config.json", vision_config={"hidden_size": 8}, text_config={"hidden_size": 16})

    assert check_model_folder(copy).hidden_size == 16


def test_a_huge_chat_template_is_refused(copy: Path) -> None:
    (copy / "chat_template.jinja").write_text("x" * 200_001, encoding="utf-8")

    assert "chat template has 200,001" in refusal(copy)
