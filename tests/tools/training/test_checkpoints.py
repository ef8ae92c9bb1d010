from pathlib import Path

import pytest

from tools.training.checkpoints import MANIFEST, damage, newest_sound, rotate, seal

FILES = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "optimizer.pt",
    "state.json",
)


def write_checkpoint(folder: Path, step: int, fingerprint: str = "one") -> Path:
    aside = folder / ".writing" / f"checkpoint-{step}"
    aside.mkdir(parents=True)
    for name in FILES:
        (aside / name).write_bytes(f"{name} at {step}".encode())
    seal(aside, folder / f"checkpoint-{step}", step=step, fingerprint=fingerprint)
    return folder / f"checkpoint-{step}"


def test_a_sealed_checkpoint_is_sound(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path, 10)

    assert damage(checkpoint, "one") is None
    assert sorted(path.name for path in checkpoint.iterdir()) == sorted([*FILES, MANIFEST])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["delete", "truncate", "flip", "empty"])
def test_any_harm_to_any_file_is_found(tmp_path: Path, name: str, harm: str) -> None:
    path = write_checkpoint(tmp_path, 10) / name
    content = bytearray(path.read_bytes())
    if harm == "delete":
        path.unlink()
    elif harm == "truncate":
        path.write_bytes(content[:-1])
    elif harm == "flip":
        content[0] ^= 1
        path.write_bytes(content)
    else:
        path.write_bytes(b"")

    assert damage(path.parent, "one") == f"its file {name} is missing or damaged"


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "not finished"), ("", "manifest is damaged"), ("{}", "manifest is damaged")],
)
def test_without_its_manifest_a_checkpoint_is_not_used(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    manifest = write_checkpoint(tmp_path, 10) / MANIFEST
    if text is None:
        manifest.unlink()
    else:
        manifest.write_text(text, encoding="utf-8")

    assert problem in str(damage(manifest.parent, "one"))


def test_a_checkpoint_of_another_recipe_or_dataset_is_not_used(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path, 10, fingerprint="other")

    assert damage(checkpoint, "one") == "it belongs to another recipe, base model or dataset"


def test_the_newest_sound_one_is_taken_and_the_damaged_one_is_told(tmp_path: Path) -> None:
    older, newer = write_checkpoint(tmp_path, 9), write_checkpoint(tmp_path, 10)
    (newer / "optimizer.pt").unlink()
    said: list[str] = []

    assert newest_sound(tmp_path, "one", said.append) == older
    assert said == [
        "Checkpoint at step 10 is passed over: its file optimizer.pt is missing or damaged."
    ]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert newest_sound(tmp_path / "nothing", "one", print) is None


def test_only_the_newest_stay(tmp_path: Path) -> None:
    for step in (8, 9, 10, 100):
        write_checkpoint(tmp_path, step)

    rotate(tmp_path, keep=2)

    left = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert left == ["checkpoint-10", "checkpoint-100"]
