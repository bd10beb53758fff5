"""Files that are damaged, or made to reach other files, to fill the memory or to run code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential
from graphc.keras.saving import ModelFileError, archive, hdf5, load_model
from graphc.keras.serialization import SafeModeError, deserialize_keras_object
from graphc_ir.errors import ArgumentError, GraphcError


def _model() -> Sequential:
    return Sequential([Input((2,)), Dense(3, name="first"), Dense(1, name="last")], name="net")


def _equal(weights: Any, others: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "m.keras"
    _model().save(path)
    return path


def _rewritten(path: Path, **members: Any) -> Path:
    """The archive with members replaced (None: left out)."""
    with zipfile.ZipFile(path) as old:
        parts: dict[str, Any] = {name: old.read(name) for name in old.namelist()}
    parts |= {name.replace("__", "."): data for name, data in members.items()}
    changed = path.with_name("changed.keras")
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            if data is not None:
                new.writestr(name, data)
    return changed


# --- HDF5 --------------------------------------------------------------------------------------------------------


def _soft_link(file: h5py.File, folder: Path) -> None:
    file["layers/link"] = h5py.SoftLink("/layers/dense")


def _external_link(file: h5py.File, folder: Path) -> None:
    file["layers/link"] = h5py.ExternalLink(str(folder / "other.h5"), "/")


def _external_data(file: h5py.File, folder: Path) -> None:
    (folder / "secret").write_bytes(b"\0" * 16)
    file.create_dataset("data", (4,), "f4", external=[(str(folder / "secret"), 0, 16)])


def _virtual_data(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (4,))
    file.create_virtual_dataset("data", layout)


def _bomb(file: h5py.File, folder: Path) -> None:
    file.create_dataset("data", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


HOSTILE: list[tuple[Callable[[h5py.File, Path], None], str]] = [
    (_soft_link, "/layers/link is a SoftLink, which could lead to other files"),
    (_external_link, "/layers/link is a ExternalLink, which could lead to other files"),
    (_external_data, "/data keeps its data in another file"),
    (_virtual_data, "/data keeps its data in another file"),
    (_bomb, "/data claims to hold 4398046511104 bytes"),
]


@pytest.mark.parametrize(("damage", "message"), HOSTILE, ids=[damage.__name__ for damage, _ in HOSTILE])
def test_weights_that_reach_elsewhere_are_refused(tmp_path: Path, damage: Any, message: str) -> None:
    model = _model()
    before = model.get_weights()
    weights, legacy = tmp_path / "m.weights.h5", tmp_path / "m.h5"
    model.save_weights(weights)
    model.save(legacy)
    for path in (weights, legacy):
        with h5py.File(path, "a") as file:
            damage(file, tmp_path)
        with pytest.raises(ModelFileError, match=message):
            model.load_weights(path)
    with pytest.raises(ModelFileError, match=message):
        load_model(legacy)
    packed = tmp_path / "m.keras"
    model.save(packed)
    with pytest.raises(ModelFileError, match=message):
        load_model(_rewritten(packed, model__weights__h5=weights.read_bytes()))
    assert _equal(before, model.get_weights())


def test_groups_that_hold_themselves_are_no_trap(tmp_path: Path) -> None:
    model, path = _model(), tmp_path / "m.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file["layers/dense/again"] = file["layers"]
    other = _model()
    other.load_weights(path)
    assert _equal(model.get_weights(), other.get_weights())


def test_sizes_are_checked_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.weights.h5"
    _model().save_weights(path)
    with h5py.File(path, "a") as file:
        _bomb(file, tmp_path)
    monkeypatch.setattr(hdf5, "read_dataset", lambda dataset: pytest.fail("read"))
    with pytest.raises(ModelFileError, match="claims to hold"):
        _model().load_weights(path)


@pytest.mark.parametrize("content", [b"", b"no file", b"\x89HDF\r\n\x1a\n"], ids=["empty", "text", "head"])
def test_what_is_no_hdf5_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.weights.h5"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read as an HDF5 file"):
        _model().load_weights(path)


@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".keras"])
def test_truncated_and_flipped_files_never_change_a_model(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m{ending}"
    source = _model()
    source.save_weights(path) if ending == ".weights.h5" else source.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    model = _model()
    before = model.get_weights()
    refused = 0
    for kept in range(0, len(whole), max(len(whole) // 20, 1)):
        path.write_bytes(whole[:kept])
        refused += _is_refused(model, path, before)
    assert refused >= 19
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        _is_refused(model, path, before)


def _is_refused(model: Sequential, path: Path, before: Any) -> bool:
    """Whether loading raises a ModelFileError, which must leave the weights as they were."""
    try:
        model.load_weights(path)
    except ModelFileError:
        assert _equal(before, model.get_weights())
        return True
    model.set_weights(before)
    return False


# --- archives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"config__json": None}, "has no config.json; it is no saved model, or a damaged one"),
        ({"model__weights__h5": None}, "has no model.weights.h5"),
        ({"config__json": b"{"}, "config.json is no JSON"),
        ({"config__json": b"\xff\xfe"}, "config.json is no JSON"),
        ({"config__json": b"[1]"}, "config.json describes no model"),
        ({"config__json": b"{}"}, "config.json describes no model"),
        ({"model__weights__h5": b"no file"}, "the weights in the archive cannot be read as an HDF5 file"),
    ],
)
def test_damaged_archives(saved: Path, members: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        load_model(_rewritten(saved, **members))


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ModelFileError, match=r"is no \.keras file"):
        load_model(path)
    with pytest.raises(ModelFileError, match=r"File not found: .*none.keras"):
        load_model(tmp_path / "none.keras")
    with pytest.raises(ModelFileError, match="File format not supported"):
        load_model(tmp_path / "model.pkl")


def test_a_decompression_bomb_is_not_opened(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MAX_BYTES", 1 << 20)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *args: pytest.fail("read"))
    zeros = b"\0" * (4 << 20)
    for members in ({"config__json": zeros}, {"assets/x": zeros}):
        with pytest.raises(ModelFileError, match="a decompression bomb"):
            load_model(_bombed(saved, members))


def _bombed(path: Path, members: dict[str, bytes]) -> Path:
    changed = path.with_name("bomb.keras")
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in ("config.json", "model.weights.h5", *members):
            new.writestr(name, members.get(name.replace(".", "__"), members.get(name, b"x")))
    return changed


# --- what configs may name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("os", "system", None), ("builtins", "eval", None), ("subprocess", "Popen", "subprocess.Popen"),
        ("keras.utils", "get_file", None), ("keras.saving", "load_model", None), ("keras.src.utils", "get_file", None),
        ("graphc.keras.saving.api", "load_model", None), ("keras.layers", "Unheard", None),
        ("keras.config", "enable_unsafe_deserialization", None), ("keras.layers", "__class__", None),
    ],
)  # fmt: skip
def test_only_known_names_are_made(module: str, name: str, registered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"an import of {args[0]}")

    monkeypatch.setattr("importlib.import_module", refuse)
    config = {"module": module, "class_name": name, "config": {}, "registered_name": registered}
    with pytest.raises(ArgumentError, match="neither built in nor registered"):
        deserialize_keras_object(config)
    function = {"module": module, "class_name": "function", "config": name, "registered_name": "function"}
    with pytest.raises(ArgumentError, match="is not known here"):
        deserialize_keras_object(function)


def test_loading_a_class_of_an_unknown_module_imports_nothing(saved: Path) -> None:
    with zipfile.ZipFile(saved) as file:
        config = json.loads(file.read("config.json"))
    evil = {"module": "evil_module_of_a_file", "class_name": "Evil", "registered_name": "Evil"}
    config["config"]["layers"][1] |= evil
    with pytest.raises(ArgumentError, match="the saved object 'Evil'"):
        load_model(_rewritten(saved, config__json=json.dumps(config)))
    assert "evil_module_of_a_file" not in sys.modules


@pytest.mark.parametrize("registered", ["os.system", "mine>Dense", "not.real"])
def test_built_in_classes_go_by_no_other_name(registered: str) -> None:
    config = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": registered}
    with pytest.raises(ArgumentError, match="resolved to a Keras built-in, which has no other name"):
        deserialize_keras_object(config)


@pytest.mark.parametrize("safe_mode", [True, False])
def test_bytecode_is_never_run(tmp_path: Path, safe_mode: bool) -> None:
    model = Sequential([Input((2,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(SafeModeError, match="does not execute, since that would allow arbitrary code execution"):
        load_model(tmp_path / "m.keras", safe_mode=safe_mode)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class_name": "Dense", "config": [1, 2]}, "Expected 'config' to be a dict, got"),
        ({"class_name": "function", "config": ["x"]}, "Expected 'config' to be a non-null str"),
        ({"class_name": "__typespec__", "config": "x"}, "needs a shape and a dtype"),
        ({"class_name": "Dense", "module": "keras.layers", "config": {"units": 1, "unitz": 2}}, "unitz"),
        ({"class_name": "Dense", "module": "keras.layers", "config": {}}, "cannot be made from its saved config"),
    ],
)
def test_damaged_configs_are_told(config: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        deserialize_keras_object(config)


# --- assets ------------------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("hostile")
class Worded(keras.layers.Layer):
    """Keeps words in a file."""

    words = ""

    def call(self, x: Any) -> Any:
        return x

    def save_assets(self, folder: str) -> None:
        Path(folder, "words.txt").write_text(self.words)

    def load_assets(self, folder: str) -> None:
        self.words = Path(folder, "words.txt").read_text()


def test_assets_go_with_their_layer(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), Worded(), Worded()])
    model.layers[0].words, model.layers[1].words = "one", "two"
    for target, options in ((tmp_path / "m.keras", {}), (tmp_path / "folder", {"zipped": False})):
        model.save(target, **options)
        assert [layer.words for layer in load_model(target).layers] == ["one", "two"]


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/../../../evil", "..\\evil", "c:evil"])
def test_assets_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.keras"
    Sequential([Input((2,)), Worded()]).save(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(f"assets/layers/worded/{name}", "x")
    with pytest.raises(ModelFileError, match="which leads out of its folder"):
        load_model(path)
    assert not (tmp_path / "evil").exists()


# --- a death while writing ---------------------------------------------------------------------------------------

DYING = """
import os, signal, sys
import numpy as np
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Sequential
model = Sequential([Input((2,)), Dense(3)])
model.set_weights([np.full((2, 3), 7.0), np.zeros(3)])
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
{patch}
model.{save}({path!r})
"""

PATCHES = {
    "before the first byte": "import graphc.keras.saving.weights as w; import graphc.keras.saving.archive as a\n"
                             "w.places = a.assets_of = die",
    "while writing": "import h5py; h5py.Group.create_group = die",
    "before taking its place": "os.replace = die",
}  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
@pytest.mark.parametrize("moment", PATCHES)
@pytest.mark.parametrize(("name", "save"), [("m.keras", "save"), ("m.weights.h5", "save_weights"), ("m.h5", "save")])
def test_a_death_while_saving_leaves_the_old_file(tmp_path: Path, moment: str, name: str, save: str) -> None:
    if name == "m.h5" and moment == "before the first byte":
        moment = "before taking its place"
    path = tmp_path / name
    model = Sequential([Input((2,)), Dense(3)])
    getattr(model, save)(path)
    before = path.read_bytes()
    script = DYING.format(patch=PATCHES[moment], save=save, path=str(path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert path.read_bytes() == before
    fresh = Sequential([Input((2,)), Dense(3)])
    fresh.load_weights(path)
    assert _equal(model.get_weights(), fresh.get_weights())


# --- loads that fail ---------------------------------------------------------------------------------------------


def test_a_load_that_fails_midway_changes_nothing(tmp_path: Path) -> None:
    source = Sequential([Input((2,)), Dense(3), Dense(2)])
    target = Sequential([Input((2,)), Dense(3), Dense(1)])
    target.compile("adam", "mse")
    target.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    before, slots = target.get_weights(), [v.numpy() for v in target.optimizer.variables]
    for name, save in (("m.weights.h5", source.save_weights), ("m.keras", source.save), ("m.h5", source.save)):
        save(tmp_path / name)
        with pytest.raises(ModelFileError, match=r"the shapes of variables must match|has shape"):
            target.load_weights(tmp_path / name)
        assert _equal(before, target.get_weights())
        assert _equal(slots, [v.numpy() for v in target.optimizer.variables])


def test_mismatches_can_be_skipped(tmp_path: Path) -> None:
    source = Sequential([Input((2,)), Dense(3), Dense(2)])
    for name, save in (("m.weights.h5", source.save_weights), ("m.keras", source.save), ("m.h5", source.save)):
        save(tmp_path / name)
        target = Sequential([Input((2,)), Dense(3), Dense(1)])
        last = target.layers[1].get_weights()
        with pytest.warns(UserWarning, match="skipped: "):
            target.load_weights(tmp_path / name, skip_mismatch=True)
        assert _equal(source.layers[0].get_weights(), target.layers[0].get_weights())
        assert _equal(last, target.layers[1].get_weights())


def test_file_objects(tmp_path: Path) -> None:
    model, target = _model(), io.BytesIO()
    model.save(target)
    target.seek(0)
    assert _equal(model.get_weights(), load_model(target).get_weights())
    with pytest.raises(ModelFileError, match=r"the file object is no \.keras file"):
        load_model(io.BytesIO(b"text"))
    assert tf.is_tensor(model(np.ones((1, 2))))


# --- configs that were tampered with -----------------------------------------------------------------------------


def _places_in(tree: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place, *(inner for key, value in items for inner in _places_in(value, (*place, key)))]


def _tampered(config: Any, place: tuple[Any, ...], value: Any) -> str:
    changed = json.loads(json.dumps(config))
    *path, last = place
    target = changed
    for key in path:
        target = target[key]
    target[last] = value
    return json.dumps(changed)


def test_tampered_configs_raise_errors_of_ours(tmp_path: Path) -> None:
    x, y = Input((4,)), Input((4,))
    dense = Dense(4)
    model = keras.Model([x, y], [dense(x) + dense(y), dense(x) * 2.0])
    path = tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    places = [place for place in _places_in(config) if place]
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        place = places[int(rng.integers(len(places)))]
        values: list[Any] = [None, {}, [], "x", -1, 99, {"class_name": "Dense"}]
        value = values[int(rng.integers(len(values)))]
        try:
            load_model(_rewritten(path, config__json=_tampered(config, place, value)))
        except GraphcError:
            refused += 1
    assert refused > 50
