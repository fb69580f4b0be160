from __future__ import annotations

import json
import shutil

import pytest

from scc2s import models
from scc2s.models import _folder
from scc2s.models._folder import check_folder, read_declared

SIZES = {"vocab_size": 400, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3}
NEOX = SIZES | {"model_type": "gpt_neox"}


@pytest.fixture
def folder(tmp_path, model_folder):
    """A copy to spoil."""
    return shutil.copytree(model_folder("gpt_neox"), tmp_path / "model")


def write(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_saved_model_is_fine(folder):
    check_folder(folder, "model")


def test_missing_parts_are_named(folder):
    for name, message in (
        ("tokenizer.json", r"no tokenizer; save it beside the weights: tokenizer.save_pretrained"),
        ("model.safetensors", r"no \*.safetensors weights; give the folder that save_pretrained wrote"),
        ("config.json", r"no config.json"),
    ):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=message):
            models.load(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.gguf"])
def test_other_weight_formats_are_never_read(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ValueError, match=r"not safetensors.*save_pretrained\(folder\)"):
        models.load(folder)


def test_code_of_a_folder_is_never_run(folder):
    (folder / "evil.py").write_text("raise SystemExit('code was run')")
    write(folder / "config.json", model_type="evil", auto_map={"AutoModelForCausalLM": "evil.Evil"})
    with pytest.raises(ValueError, match="never run"):
        models.load(folder)


def test_code_of_a_tokenizer_is_never_run(folder):
    (folder / "evil.py").write_text("raise SystemExit('code was run')")
    write(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "evil.Evil"]})
    with pytest.raises(ValueError, match="never run"):
        models.load(folder)


def test_an_architecture_of_the_future_asks_for_a_newer_transformers(folder):
    write(folder / "config.json", model_type="gpt_neox_9")
    with pytest.raises(ValueError, match="does not know 'gpt_neox_9' models .* pip install -U transformers"):
        models.load(folder)


def test_weights_that_are_missing_are_not_made_up(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "layers.1" in name)
    save_file({k: v for k, v in weights.items() if k != lost}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 1 of its weights .*save_pretrained\(folder\)"):
        models.load(folder)


def test_family_and_labels_are_read_from_the_folder(folder):
    assert (models.load(folder).family, models.load(folder).labels) == ("unknown", None)
    (folder / "scc2s.json").write_text(json.dumps({"family": "mine", "labels": ["B cell", "T cell"]}))
    assert read_declared(folder).labels == ["B cell", "T cell"]
    assert (models.load(folder).family, models.load(folder).labels) == ("mine", ["B cell", "T cell"])


@pytest.mark.skipif(_folder.transformers_major() >= 5, reason="only transformers 4 reads the old names")
@pytest.mark.parametrize(
    ("extra", "fine"),
    [
        ({"rope_theta": 10000, "partial_rotary_factor": 0.25, "rope_type": "default"}, True),
        ({"rope_theta": 50000, "partial_rotary_factor": 0.25, "rope_type": "default"}, False),
        ({"rope_theta": 10000, "partial_rotary_factor": 1.0, "rope_type": "default"}, False),
        ({"rope_theta": 10000, "partial_rotary_factor": 0.25, "rope_type": "linear", "factor": 4.0}, False),
    ],
)
def test_rotary_settings_that_transformers_4_would_lose_are_refused(folder, extra, fine):
    (folder / "config.json").write_text(json.dumps(NEOX | {"rope_parameters": extra}))
    if fine:
        check_folder(folder, "model")
    else:
        with pytest.raises(ValueError, match=r"saved by transformers 5.*pip install -U 'transformers>=5'"):
            check_folder(folder, "model")


@pytest.mark.skipif(_folder.transformers_major() >= 5, reason="only transformers 4 reads the old names")
def test_settings_written_under_both_names_are_fine(folder):
    said = {"rope_theta": 50000, "partial_rotary_factor": 1.0, "rope_type": "linear", "factor": 4.0}
    old = {"rotary_pct": 1.0, "rotary_emb_base": 50000, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}
    (folder / "config.json").write_text(json.dumps(NEOX | old | {"rope_parameters": said}))
    check_folder(folder, "model")
    llama = SIZES | {"model_type": "llama", "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}}
    (folder / "config.json").write_text(json.dumps(llama))
    with pytest.raises(ValueError, match="saved by transformers 5"):
        check_folder(folder, "model")
    (folder / "config.json").write_text(json.dumps(llama | {"rope_theta": 500000.0}))
    check_folder(folder, "model")


@pytest.mark.skipif(_folder.transformers_major() >= 5, reason="only transformers 4 reads the old names")
def test_layers_with_their_own_rotary_settings_are_compared_one_by_one(folder):
    parts = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    config = SIZES | {"model_type": "gemma3_text", "rope_theta": 1e6, "rope_local_base_freq": 1e4}
    (folder / "config.json").write_text(json.dumps(config | {"rope_parameters": parts}))
    check_folder(folder, "model")
    parts["sliding_attention"]["rope_theta"] = 2e4
    (folder / "config.json").write_text(json.dumps(config | {"rope_parameters": parts}))
    with pytest.raises(ValueError, match="saved by transformers 5"):
        check_folder(folder, "model")


def test_an_index_may_not_lead_out_of_the_folder(folder, tmp_path):
    shutil.copy(folder / "model.safetensors", tmp_path / "other.safetensors")
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    index = folder / "model.safetensors.index.json"
    for name in ("../other.safetensors", str(tmp_path / "other.safetensors"), "a/../../other.safetensors", "..\\x"):
        index.write_text(json.dumps({"metadata": {}, "weight_map": {"gpt_neox.embed_in.weight": name}}))
        with pytest.raises(ValueError, match="is not inside the folder"):
            models.load(folder)
    (folder / "link.safetensors").symlink_to(tmp_path / "other.safetensors")
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"gpt_neox.embed_in.weight": "link.safetensors"}}))
    with pytest.raises(ValueError, match="is not inside the folder"):
        models.load(folder)
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"gpt_neox.embed_in.weight": "pytorch_model.bin"}}))
    with pytest.raises(ValueError, match="not safetensors"):
        models.load(folder)


def test_links_of_the_hub_cache_are_followed(folder, tmp_path):
    repository = tmp_path / "models--lab--tiny"
    snapshot = repository / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for i, path in enumerate(sorted(folder.iterdir())):
        blob = repository / "blobs" / f"{i:064x}"
        shutil.copy(path, blob)
        (snapshot / path.name).symlink_to(blob)
    assert models.load(snapshot).info()["weights_hash"].endswith("2")
    blob.unlink()
    (repository / "blobs" / f"{2:064x}").unlink()
    with pytest.raises((FileNotFoundError, ValueError), match="copy or download it again"):
        models.load(snapshot)


def test_perturbations_are_read_from_the_folder_and_a_damaged_list_is_refused(folder):
    assert models.load(folder).taught.perturbations is None
    (folder / "scc2s.json").write_text(json.dumps({"perturbations": {"IFN-beta": ["IFNB1"]}}))
    assert models.load(folder).taught.perturbations == {"IFN-beta": ["IFNB1"]}
    for wrong in (["IFN-beta"], {"IFN-beta": "IFNB1"}, {"IFN-beta": [1]}):
        (folder / "scc2s.json").write_text(json.dumps({"perturbations": wrong}))
        with pytest.raises(ValueError, match="'wordings' and 'perturbations' hold one list for each name"):
            read_declared(folder)
