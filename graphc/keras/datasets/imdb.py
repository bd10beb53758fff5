"""IMDB: 50,000 film reviews as lists of word ranks, 1 for praise and 0 for blame."""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.storage import Split, data_file, load_npz
from graphc.keras.datasets.words import Encoding, read_word_index

__all__ = ["get_word_index", "load_data"]

_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_INDEX_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call: 25,000 reviews each.

    ``x`` is an array of lists of ints (:func:`~graphc.keras.utils.pad_sequences` makes a matrix of it), ``y`` int64
    of shape (n,). The more frequent a word, the lower its number; 0 stands for no word, so it can pad.

    Args:
        path: file name in ``~/.keras/datasets``, or the path of a file of one's own.
        num_words: words with this number or a higher one become ``oov_char``. None keeps all but the rarest.
        skip_top: words with a lower number than this become ``oov_char``.
        maxlen: reviews of this length or more, the start included, are left out. None keeps all.
        seed: of the shuffling.
        start_char: what each review starts with; None for nothing.
        oov_char: stands for words that are not kept; None drops them.
        index_from: what is added to each rank, so that small numbers stay free.

    Raises:
        ArgumentError: no review is shorter than ``maxlen``.
        DownloadError: without a network; says where to put the file by hand.
    """
    x_train, y_train, x_test, y_test = load_npz(
        data_file(path, "imdb.npz", _SHA256), "x_train", "y_train", "x_test", "y_test"
    )
    random = np.random.RandomState(seed)
    train, test = random.permutation(len(x_train)), random.permutation(len(x_test))
    encoding = Encoding(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    train_texts, train_labels = encoding.shift(x_train[train], y_train[train])
    test_texts, test_labels = encoding.shift(x_test[test], y_test[test])
    texts = encoding.limit(train_texts + test_texts)
    count = len(train_texts)
    return (texts[:count], train_labels), (texts[count:], test_labels)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The rank of each word, 1 for the most frequent. In the reviews ``index_from`` (3) is added to it."""
    return read_word_index(data_file(path, "imdb_word_index.json", _INDEX_MD5))
