"""ONNX's own node cases: import, verify, run in the reference interpreter, compare."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.backends.onnx.suite import Case, Outcome, plain_cases, reimport_problem, run_case

# Names of cases that cannot pass, and why.
EXPECTED_FAILURES: Final[dict[str, str]] = {
    r"FLOAT8|FLOAT4|_e4m3fn|_e5m2|float4e2m1": "graphc has no 8- and 4-bit floats",
    r"U?INT[24](_|$)|_u?int[24]$": "graphc has no 4- and 2-bit integers",
    r"_seq$|_seq_none$|sequence": "graphs hold tensors only, no sequences",
    r"_opt$|optional_(get|has)_element": "graphs hold tensors only, no optionals",
    r"bernoulli": "random by definition",
    r"test_mvn$": "ONNX's shape inference refuses its own function body",
    r"test_scan_sum$": "opset 8 puts a batch axis first; the reference implementation does not know it",
}


def unexpected(cases: list[Case]) -> list[str]:
    """The failures that have no reason."""
    found = []
    for case in cases:
        outcome = run_case(case)
        if outcome.status != "pass" and not is_expected(case.name):
            found.append(f"{case.name}: {outcome.status}: {outcome.message}")
    return found


def is_expected(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in EXPECTED_FAILURES)


def test_a_sample_of_the_suite_passes() -> None:
    """Every operator with its first case, and every tenth case."""
    cases = plain_cases()
    first = {case.operator: case for case in reversed(cases)}
    assert unexpected([*first.values(), *cases[::10]]) == []


@pytest.mark.slow
def test_the_whole_suite_passes() -> None:
    assert unexpected(list(plain_cases())) == []


@pytest.mark.slow
def test_exports_of_the_suite_are_read_back_the_same() -> None:
    cases = [case for case in plain_cases() if not is_expected(case.name)]
    assert [problem for case in cases if (problem := reimport_problem(case))] == []


@pytest.mark.slow
def test_expected_failures_are_no_wider_than_needed() -> None:
    for pattern, reason in EXPECTED_FAILURES.items():
        matching = [case for case in plain_cases() if re.search(pattern, case.name)]
        outcomes: list[Outcome] = [run_case(case) for case in matching]
        assert any(o.status != "pass" for o in outcomes), f"{pattern!r} passes now; its reason was: {reason}"
