"""Hashes of bytes that never change: FarmHash's 64-bit fingerprint (na::Hash64) and SipHash-2-4.

Sources: Geoff Pike, FarmHash (MIT licence); Aumasson and Bernstein, SipHash: a fast short-input PRF (2012).
"""

from __future__ import annotations

from typing import Final

__all__ = ["farm_hash", "sip_hash"]

_MASK: Final = (1 << 64) - 1
_K0: Final = 0xC3A5C85C97CB3127
_K1: Final = 0xB492B66FBE98F273
_K2: Final = 0x9AE16A3B2F90404F

Pair = tuple[int, int]


def farm_hash(data: bytes) -> int:
    """The 64-bit fingerprint of ``data``."""
    size = len(data)
    if size <= 16:
        return _up_to_16(data)
    if size <= 32:
        return _up_to_32(data)
    return _up_to_64(data) if size <= 64 else _beyond_64(data)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _half(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _rotated(x: int, by: int) -> int:
    """Rotated to the right."""
    x &= _MASK
    return (x >> by) | (x << (64 - by)) & _MASK


def _folded(x: int) -> int:
    return x ^ (x >> 47)


def _joined(u: int, v: int, factor: int) -> int:
    """Two words as one."""
    u, v = u & _MASK, v & _MASK
    first = _folded((u ^ v) * factor & _MASK)
    return _folded((v ^ first) * factor & _MASK) * factor & _MASK


def _up_to_16(data: bytes) -> int:
    size = len(data)
    factor = _K2 + 2 * size
    if size >= 8:
        a, b = _word(data, 0) + _K2, _word(data, size - 8)
        return _joined(_rotated(b, 37) * factor + a, (_rotated(a, 25) + b) * factor, factor & _MASK)
    if size >= 4:
        return _joined(size + (_half(data, 0) << 3), _half(data, size - 4), factor & _MASK)
    if size == 0:
        return _K2
    y = data[0] + (data[size >> 1] << 8)
    z = size + (data[-1] << 2)
    return _folded((y * _K2 & _MASK) ^ (z * _K0 & _MASK)) * _K2 & _MASK


def _ends(data: bytes, factor: int, first: int) -> Pair:
    """What the shorter forms make of both ends of the data."""
    size = len(data)
    a, b = _word(data, 0) * first, _word(data, 8)
    c, d = _word(data, size - 8) * factor, _word(data, size - 16) * _K2
    return _rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + _K2, 18) + c


def _up_to_32(data: bytes) -> int:
    factor = (_K2 + 2 * len(data)) & _MASK
    return _joined(*_ends(data, factor, _K1), factor)


def _up_to_64(data: bytes) -> int:
    size = len(data)
    factor = (_K2 + 2 * size) & _MASK
    y, second = _ends(data, factor, _K2)
    z = _joined(y, second, factor)
    a = _word(data, 0) * _K2
    e, f = _word(data, 16) * factor, _word(data, 24)
    g, h = (y + _word(data, size - 32)) * factor, (z + _word(data, size - 24)) * factor
    return _joined(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, factor)


def _of_32(data: bytes, at: int, a: int, b: int) -> Pair:
    """32 bytes mixed into two words."""
    w, x, y, z = (_word(data, at + i) for i in (0, 8, 16, 24))
    a += w
    b = _rotated(b + a + z, 21)
    start = a
    a += x + y
    b += _rotated(a, 44)
    return (a + z) & _MASK, (b + start) & _MASK


def _beyond_64(data: bytes) -> int:
    x = 81
    y = (81 * _K1 + 113) & _MASK
    z = _folded((y * _K2 + 113) & _MASK) * _K2 & _MASK
    v: Pair = (0, 0)
    w: Pair = (0, 0)
    x = (x * _K2 + _word(data, 0)) & _MASK
    for at in range(0, (len(data) - 1) // 64 * 64, 64):
        x, y, z, v, w = _round(data, at, (x, y, z), v, w, _K1, 1)
    w = ((w[0] + ((len(data) - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    factor = (_K1 + ((z & 0xFF) << 1)) & _MASK
    x, y, z, v, w = _round(data, len(data) - 64, (x, y, z), v, w, factor, 9)
    return _joined(_joined(v[0], w[0], factor) + _folded(y) * _K0 + z, _joined(v[1], w[1], factor) + x, factor)


def _round(
    data: bytes, at: int, state: tuple[int, int, int], v: Pair, w: Pair, factor: int, weight: int
) -> tuple[int, int, int, Pair, Pair]:
    x, y, z = state
    x = _rotated(x + y + v[0] + _word(data, at + 8), 37) * factor
    y = _rotated(y + v[1] + _word(data, at + 48), 42) * factor
    x = (x ^ (w[1] * weight)) & _MASK
    y = (y + v[0] * weight + _word(data, at + 40)) & _MASK
    z = _rotated(z + w[0], 33) * factor & _MASK
    v = _of_32(data, at, v[1] * factor, x + w[0])
    w = _of_32(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def sip_hash(data: bytes, key: Pair) -> int:
    """The keyed 64-bit hash of ``data``."""
    v = [word ^ k for word, k in zip(_SIP, (*key, *key), strict=True)]
    tail = len(data) % 8
    words = [_word(data, i) for i in range(0, len(data) - tail, 8)]
    last = int.from_bytes(data[len(data) - tail :], "little") | (len(data) & 0xFF) << 56
    for word in (*words, last):
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


_SIP: Final = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def _sip_rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        for a, b, shift in ((0, 1, 13), (2, 3, 16)):
            v[a] = (v[a] + v[b]) & _MASK
            v[b] = _rotated(v[b], 64 - shift) ^ v[a]
        v[0] = _rotated(v[0], 32)
        for a, b, shift in ((2, 1, 17), (0, 3, 21)):
            v[a] = (v[a] + v[b]) & _MASK
            v[b] = _rotated(v[b], 64 - shift) ^ v[a]
        v[2] = _rotated(v[2], 32)
