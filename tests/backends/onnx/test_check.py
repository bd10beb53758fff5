"""Damaged, hostile and foreign files: each gets an error that says what is wrong, and nothing outside is
read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import FunctionProto, ModelProto, TensorProto, helper, numpy_helper

from graphc_backends.onnx import check
from graphc_backends.onnx.importer import read_model
from graphc_ir.errors import ImportModelError
from graphc_ir.evaluate import evaluate
from tests.backends.onnx.models import floats, model, node


def valid() -> ModelProto:
    return model([node("Mul", ["x", "w"], ["y"])], {"x": [4]}, {"y": [4]}, {"w": floats(4)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"hello, I am text", "damaged, cut off, or of another format"),
        (b"PK\x03\x04" + b"\0" * 60, "zip archive"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "HDF5"),
        (b"\x80\x04\x95" + b"\xff" * 60, "pickle"),
        (b'{"a": 1}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x20\0\0\0ORTM" + b"\xff" * 60, "ORT format"),
        (b"\x20\0\0\0TFL3" + b"\xff" * 60, "TensorFlow Lite"),
    ],
)
def test_what_is_no_model(data: bytes, message: str) -> None:
    with pytest.raises(ImportModelError, match=message):
        read_model(data)


def test_every_cut_is_an_error_of_ours() -> None:
    data = valid().SerializeToString()
    readable = 12  # the last fields are not needed to run the model
    for length in range(len(data) - readable):
        with pytest.raises(ImportModelError, match="the model "):
            read_model(data[:length])


def test_flipped_bytes_never_escape_as_another_error() -> None:
    data = bytearray(valid().SerializeToString())
    rng = np.random.default_rng(0)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= int(rng.integers(1, 256))
        try:
            read_model(bytes(damaged))
        except ImportModelError:
            continue


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ImportModelError, match=r"does not exist; give the path of an \.onnx file"):
        read_model(tmp_path / "none.onnx")
    with pytest.raises(ImportModelError, match="is a folder"):
        read_model(tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(valid().SerializeToString())
    monkeypatch.setattr(check, "MAX_FILE_BYTES", 10)
    with pytest.raises(ImportModelError, match=r"has .* bytes; an ONNX file holds at most 10"):
        read_model(path)


def test_versions_that_are_too_new() -> None:
    with pytest.raises(ImportModelError, match=r"opset 999; supported are 7 to"):
        read_model(model([node("Relu", ["x"], ["y"])], {"x": [1]}, {"y": [1]}, opset=999))
    with pytest.raises(ImportModelError, match="IR version 999"):
        read_model(model([node("Relu", ["x"], ["y"])], {"x": [1]}, {"y": [1]}, ir_version=999))


def test_a_model_without_operator_sets() -> None:
    proto = valid()
    del proto.opset_import[:]
    with pytest.raises(ImportModelError, match="imports no operator set"):
        read_model(proto)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Mul", ["x", "gone"], ["y"])], "gone"),
        ([node("NoSuchOperator", ["x"], ["y"])], "NoSuchOperator"),
        ([node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])], "y"),
        ([node("Relu", ["x"], ["other"])], "y"),
        ([node("Relu", ["x", "x"], ["y"])], "Relu"),
    ],
)
def test_invalid_graphs(nodes: list[onnx.NodeProto], message: str) -> None:
    with pytest.raises(ImportModelError, match=message):
        read_model(model(nodes, {"x": [4]}, {"y": [4]}))


@pytest.mark.parametrize("dims", [[5], [2**62, 2**62], [-1], [1] * 65])
def test_data_that_does_not_fit_its_shape(dims: list[int]) -> None:
    proto = valid()
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend(dims)
    with pytest.raises(ImportModelError, match="w"):
        read_model(proto)


def test_types_that_graphs_do_not_have() -> None:
    eight_bits = model(
        [node("Identity", ["x"], ["y"])],
        {"x": [1]},
        {"y": [1]},
        opset=19,
        ir_version=9,
        dtypes=dict.fromkeys("xy", TensorProto.FLOAT8E5M2),
    )
    with pytest.raises(ImportModelError, match="FLOAT8E5M2, which graphc does not have"):
        read_model(eight_bits)
    sequence = valid()
    sequence.graph.input[0].type.CopyFrom(helper.make_sequence_type_proto(sequence.graph.input[0].type))
    with pytest.raises(ImportModelError, match="input 'x' is a sequence"):
        read_model(sequence)


# --- external data ------------------------------------------------------------------------------------------


def external(folder: Path, location: str, **entries: object) -> Path:
    proto = valid()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    folder.mkdir(exist_ok=True)
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_next_to_the_model(tmp_path: Path) -> None:
    path = external(tmp_path / "model", "w.bin", offset=8, length=16)
    (path.parent / "w.bin").write_bytes(b"12345678" + floats(4).tobytes())
    np.testing.assert_array_equal(evaluate(read_model(path).graph, [np.ones(4, np.float32)])[0], floats(4))
    with pytest.raises(ImportModelError, match="'w' is in another file; import the model by its path"):
        read_model(path.read_bytes())


@pytest.mark.parametrize("location", ["../secret", "sub/../../secret", "{tmp}/secret", "", "link", "folder"])
def test_no_other_file_is_read(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(floats(4).tobytes())
    folder = tmp_path / "model"
    path = external(folder, location.format(tmp=tmp_path))
    (folder / "folder").mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "sub").mkdir()
    with pytest.raises(ImportModelError, match="tensor 'w'"):
        read_model(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "does not fit|is no file"),
        ({"offset": 12, "length": 16}, "cut off"),
        ({"offset": -8}, "no byte count"),
        ({"length": "9" * 30}, "no byte count"),
        ({"length": "four"}, "no byte count"),
        ({"length": 8}, "does not fit"),
    ],
)
def test_wrong_places_in_external_files(tmp_path: Path, entries: dict[str, object], message: str) -> None:
    path = external(tmp_path / "model", "w.bin", **entries)
    (path.parent / "w.bin").write_bytes(b"\0" * 20)
    with pytest.raises(ImportModelError, match=message):
        read_model(path)


# --- functions, sparse tensors ------------------------------------------------------------------------------


def function(name: str, calls: list[str]) -> FunctionProto:
    names = ["a", *(f"t{i}" for i in range(len(calls) - 1)), "r"]
    body = [node(call, [names[i]], [names[i + 1]], domain="f") for i, call in enumerate(calls)]
    return helper.make_function(
        "f",
        name,
        ["a"],
        ["r"],
        body or [node("Relu", ["a"], ["r"])],
        [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)],
    )


def calling(functions: list[FunctionProto]) -> ModelProto:
    nodes = [node(functions[0].name, ["x"], ["y"], domain="f")]
    return model(nodes, {"x": [1]}, {"y": [1]}, functions=functions, domains={"f": 1})


def test_functions_that_call_themselves() -> None:
    with pytest.raises(ImportModelError, match="calls itself"):
        read_model(calling([function("A", ["B"]), function("B", ["A"])]))


def test_functions_that_explode() -> None:
    names = [f"F{i}" for i in range(40)]
    nested = [function(name, [following] * 2) for name, following in zip(names, [*names[1:], "End"], strict=True)]
    with pytest.raises(ImportModelError, match="nodes with its functions expanded; at most"):
        read_model(calling([*nested, function("End", [])]))


def test_sparse_weights_are_filled_in() -> None:
    proto = model([node("Add", ["x", "w"], ["y"])], {"x": [2, 3]}, {"y": [2, 3]})
    values = numpy_helper.from_array(np.array([1, 2], np.float32), "w")
    indices = numpy_helper.from_array(np.array([1, 5]), "w_indices")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2, 3]))
    found = read_model(proto).graph
    np.testing.assert_array_equal(evaluate(found, [np.zeros((2, 3), np.float32)])[0], [[0, 1, 0], [0, 0, 2]])
    proto.graph.sparse_initializer[0].dims[:] = [2**20, 2**30]
    with pytest.raises(ImportModelError, match="too large"):
        read_model(proto)
