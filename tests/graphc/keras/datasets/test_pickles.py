from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.keras.datasets.pickles import read_pickle
from graphc.keras.datasets.storage import load_npz
from graphc.keras.utils.errors import CorruptFileError, UnsafeFileError


def read(content: bytes) -> Any:
    return read_pickle(io.BytesIO(content), "file")


def objects(*entries: Any) -> Any:
    array = np.empty(len(entries), object)
    array[:] = entries
    return array


ARRAYS = [
    np.arange(6, dtype=np.uint8).reshape(2, 3),
    np.arange(6, dtype=">i4"),
    np.linspace(0, 1, 3, dtype=np.float32),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array([True, False]),
    objects([1, 2], [3]),
    objects([1, 2], [3, 4]),
    objects(np.arange(3), "text", None),
]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("array", ARRAYS, ids=str)
def test_arrays(array: Any, protocol: int) -> None:
    result = read(pickle.dumps({"data": array}, protocol))
    ((key, found),) = result.items()
    assert key in ("data", b"data")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert [str(x) for x in found.flat] == [str(x) for x in array.flat]
    assert found.flags.writeable


def test_empty_arrays() -> None:
    assert read(pickle.dumps(np.zeros((0, 3)), 4)).shape == (0, 3)


def test_what_python_2_wrote() -> None:
    # {'data': array([[1, 2]], uint8), 'labels': [3]} of Python 2's cPickle, protocol 2.
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85"
        b"U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff"
        b"\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\x02tbU\x06labelsq\x08]q\tK\x03au."
    )
    result = read(content)
    assert result[b"data"].tolist() == [[1, 2]]
    assert result[b"data"].dtype == np.uint8
    assert result[b"labels"] == [3]


class Call:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {marker}",)),
        (eval, ("open('{marker}', 'w')",)),
        (open, ("{marker}", "w")),
        (np.load, ("{marker}",)),
        (Path, ("{marker}",)),
    ],
)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"data": [x]}, lambda x: objects(x)])
def test_nothing_is_called(tmp_path: Path, function: Any, arguments: Any, wrap: Any, protocol: int) -> None:
    marker = tmp_path / "marker"
    content = pickle.dumps(wrap(Call(function, *(str(a).format(marker=marker) for a in arguments))), protocol)
    with pytest.raises(UnsafeFileError, match=r"file is not read: it asks for \w+\.\w+, which arrays do not need"):
        read(content)
    assert not marker.exists()


def test_the_parts_of_arrays_are_not_the_real_ones() -> None:
    # A real numpy.dtype would take any state, and a real ndarray any size.
    with pytest.raises(CorruptFileError, match="dtype 'V8'"):
        read(pickle.dumps(Call(np.dtype, "V8")))
    with pytest.raises(CorruptFileError, match="no attribute 'array'"):
        read(pickle.dumps(Call(np.ndarray, (1 << 60,))))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        pickle.dumps({"data": np.arange(9)})[:-20],
        b"cnumpy.core.multiarray\n_reconstruct\n(tR(I1\n(I5\ntcnumpy\ndtype\n(Vu1\ntRI00\nVab\ntb.",
        b"cnumpy\ndtype\n(I1\ntb.",
        b"Pthing\n.",
    ],
)
def test_damaged_pickles(content: bytes) -> None:
    with pytest.raises(CorruptFileError, match="file is damaged"):
        read(content)


def test_npz_files_with_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=objects([1, 2], [3]), y=np.arange(2))
    x, y = load_npz(path, "x", "y")
    assert x.tolist() == [[1, 2], [3]]
    assert y.tolist() == [0, 1]


def test_npz_files_run_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=objects(Call(os.system, f"touch {tmp_path / 'marker'}")))
    with pytest.raises(UnsafeFileError, match=r"x\.npy in .*a\.npz is not read: it asks for posix\.system"):
        load_npz(tmp_path / "a.npz", "x")
    assert not (tmp_path / "marker").exists()


def test_damaged_npz_files(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(1000))
    with pytest.raises(CorruptFileError, match=r"a\.npz is no \.npz file with y .*y\.npy"):
        load_npz(path, "y")
    content = path.read_bytes()
    path.write_bytes(content[:500] + b"\xff" * 8 + content[508:])
    with pytest.raises(CorruptFileError, match=r"no \.npz file with x"):
        load_npz(path, "x")
    path.write_bytes(content[:300])
    with pytest.raises(CorruptFileError, match=r"no \.npz file with x"):
        load_npz(path, "x")
