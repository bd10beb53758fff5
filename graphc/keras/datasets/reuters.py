"""Reuters: 11,228 newswires as lists of word ranks, 46 topics."""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.storage import Split, check_test_split, data_file, load_npz
from graphc.keras.datasets.words import Encoding, read_word_index

__all__ = ["get_label_names", "get_word_index", "load_data"]

_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_INDEX_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

_TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
    "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
    "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
    "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Return ``((x_train, y_train), (x_test, y_test))``, downloaded at the first call.

    ``x`` is an array of lists of ints (:func:`~graphc.keras.utils.pad_sequences` makes a matrix of it), ``y`` int64
    of shape (n,) with the topics 0..45. The more frequent a word, the lower its number; 0 stands for no word.

    Args:
        path: file name in ``~/.keras/datasets``, or the path of a file of one's own with the arrays x and y.
        num_words: words with this number or a higher one become ``oov_char``. None keeps all but the rarest.
        skip_top: words with a lower number than this become ``oov_char``.
        maxlen: newswires of this length or more, the start included, are left out. None keeps all.
        test_split: the part of the newswires that tests, at least 0 and below 1.
        seed: of the shuffling before the split.
        start_char: what each newswire starts with; None for nothing.
        oov_char: stands for words that are not kept; None drops them.
        index_from: what is added to each rank, so that small numbers stay free.

    Raises:
        ArgumentError: ``test_split`` is out of range, or no newswire is shorter than ``maxlen``.
        DownloadError: without a network; says where to put the file by hand.
    """
    check_test_split(test_split)
    x, y = load_npz(data_file(path, "reuters.npz", _SHA256), "x", "y")
    order = np.random.RandomState(seed).permutation(len(x))
    encoding = Encoding(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    shifted, labels = encoding.shift(x[order], y[order])
    texts = encoding.limit(shifted)
    count = int(len(texts) * (1 - test_split))
    return (texts[:count], labels[:count]), (texts[count:], labels[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The rank of each word, 1 for the most frequent. In the newswires ``index_from`` (3) is added to it."""
    return read_word_index(data_file(path, "reuters_word_index.json", _INDEX_MD5))


def get_label_names() -> tuple[str, ...]:
    """The names of the topics 0..45."""
    return _TOPICS
