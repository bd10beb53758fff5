"""The order of the rooms, read from the source: who may import whom, where, and how large a file may be.

Edges are those that Python itself follows: importing `a.b.c` also runs `a` and `a.b`, unless the importing
module stands inside them. Imports under `if TYPE_CHECKING:` run nowhere, so they close no cycle.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Lowest first: a package may import itself and those before it.
HOMES = {
    "graphc_ir": ROOT / "ir" / "graphc_ir",
    "graphc_backends": ROOT / "backends" / "graphc_backends",
    "graphc": ROOT / "graphc",
}
RANK = {package: rank for rank, package in enumerate(HOMES)}

# Inside a package, lowest first: a room may import its own row and the rows before it.
ROOMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "graphc_ir": (
        ("errors", "collector"),
        ("dtypes", "dims", "types", "random_bits"),
        ("graph",),
        ("liveness",),
        ("ops",),
        ("symbolic", "text"),
        ("builder", "printer", "parser", "verify", "evaluate", "freeze"),
        ("autodiff",),
        ("rewrite",),
        ("analysis",),
        ("passes",),
    ),
    "graphc_backends": (
        ("threads", "base"),
        ("numpy", "native", "onnx"),
        ("onnxruntime",),
        ("auto",),
    ),
}

HEAVY = {"onnx", "onnxruntime", "networkx", "rich", "click"}
MAX_LINES = 600


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is the module that it comes from, `line` where it stands."""

    importer: str
    target: str
    line: int
    in_function: bool
    type_checking: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def modules_of(homes: Mapping[str, Path]) -> dict[str, Path]:
    """Every module of the packages by its dotted name."""
    found = {}
    for home in homes.values():
        for path in sorted(home.rglob("*.py")):
            parts = path.relative_to(home.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


def imports_of(modules: Mapping[str, Path]) -> list[Import]:
    """Every import of one of `modules`' packages in any of them, at any nesting."""
    packages = {name.partition(".")[0] for name in modules}
    found: list[Import] = []
    for name, path in modules.items():
        reader = _ImportReader(name, path.name == "__init__.py", modules)
        reader.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        found += reader.found
    return [entry for entry in found if entry.target.partition(".")[0] in packages]


class _ImportReader(ast.NodeVisitor):
    def __init__(self, module: str, is_package: bool, modules: Mapping[str, Path]) -> None:
        self.found: list[Import] = []
        self._module = module
        self._package = module if is_package else module.rpartition(".")[0]
        self._modules = modules
        self._function_depth = 0
        self._type_checking = False

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._absolute(node)
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            self._add(submodule if submodule in self._modules else base, node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in ("import_module", "__import__") and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                self._add(target.value, node, in_function=True)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        outside = self._type_checking
        self._type_checking = outside or ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body:
            self.visit(statement)
        self._type_checking = outside
        for statement in node.orelse:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def _visit_function(self, node: ast.AST) -> None:
        self._function_depth += 1
        self.generic_visit(node)
        self._function_depth -= 1

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        parts = parts[: len(parts) - (node.level - 1)]
        return ".".join([*parts, node.module] if node.module else parts)

    def _add(self, target: str, node: ast.stmt | ast.expr, in_function: bool = False) -> None:
        nested = in_function or self._function_depth > 0
        self.found.append(Import(self._module, target, node.lineno, nested, self._type_checking))


def upward(imports: list[Import], rank: Mapping[str, int]) -> list[str]:
    """Imports that run from a lower package to a higher one."""
    return [
        str(entry) for entry in imports if rank[entry.target.partition(".")[0]] > rank[entry.importer.partition(".")[0]]
    ]


def cycles(modules: Mapping[str, Path], imports: list[Import]) -> list[list[str]]:
    """The groups of modules that import each other in a ring, each sorted."""
    graph = nx.DiGraph()
    graph.add_nodes_from(modules)
    for entry in imports:
        if not entry.type_checking:
            graph.add_edges_from((entry.importer, target) for target in _modules_run(entry, modules))
    return sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)


def _modules_run(entry: Import, modules: Mapping[str, Path]) -> Iterator[str]:
    parts = entry.target.split(".")
    if entry.target in modules and entry.target != entry.importer:
        yield entry.target
    for end in range(1, len(parts)):
        package = ".".join(parts[:end])
        if not f"{entry.importer}.".startswith(f"{package}."):
            yield package


def room_of(module: str) -> str:
    """The part after the package: `graphc_ir.ops.conv` stands in the room `ops`; a package's own, in ''."""
    return module.split(".")[1] if "." in module else ""


def rooms_upward(imports: list[Import], package: str) -> list[str]:
    """Imports inside `package` that run from a lower room to a higher one."""
    row = {room: number for number, rooms in enumerate(ROOMS[package]) for room in rooms}
    inside = [
        entry
        for entry in imports
        if entry.importer.startswith(f"{package}.")
        and entry.target.startswith(f"{package}.")
        and not entry.type_checking
        and {room_of(entry.importer), room_of(entry.target)} <= row.keys()
    ]
    return [str(entry) for entry in inside if row[room_of(entry.target)] > row[room_of(entry.importer)]]


@pytest.fixture(scope="module")
def modules() -> dict[str, Path]:
    return modules_of(HOMES)


@pytest.fixture(scope="module")
def imports(modules: dict[str, Path]) -> list[Import]:
    return imports_of(modules)


def test_the_three_packages_are_read(modules: dict[str, Path]) -> None:
    assert set(HOMES) <= set(modules)


def test_imports_run_downwards(imports: list[Import]) -> None:
    assert upward(imports, RANK) == [], "imports run graphc -> graphc_backends -> graphc_ir only"


def test_no_import_cycles(modules: dict[str, Path], imports: list[Import]) -> None:
    assert cycles(modules, imports) == []


def test_no_imports_of_our_own_inside_functions(imports: list[Import]) -> None:
    nested = [str(entry) for entry in imports if entry.in_function]
    assert nested == [], "move them to the top of the module; a cycle that appears wants another cut"


@pytest.mark.parametrize("package", ROOMS)
def test_each_room_has_its_row(package: str, modules: dict[str, Path]) -> None:
    rooms = {room_of(module) for module in modules if module.startswith(f"{package}.")}
    known = {room for row in ROOMS[package] for room in row}
    assert rooms - known == set(), f"give each new room of {package} its row in ROOMS"


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_earlier_rows(package: str, imports: list[Import]) -> None:
    assert rooms_upward(imports, package) == [], f"the rows, lowest first: {ROOMS[package]}"


def test_importing_graphc_loads_nothing_heavy() -> None:
    code = "import sys, graphc; print(*sorted(name for name in sys.modules if '.' not in name))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(run.stdout.split()) == set(), "import them lazily, where they are first needed"


def test_files_stay_small() -> None:
    folders = [*HOMES.values(), *(ROOT / name for name in ("tests", "benchmarks", "examples"))]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in folder.rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def _packages(root: Path, files: Mapping[str, str]) -> dict[str, Path]:
    for name, source in {"low/__init__.py": "", "high/__init__.py": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return modules_of({"low": root / "low", "high": root / "high"})


@pytest.mark.parametrize(
    "source",
    [
        "import high.a",
        "from high import a",
        "def f():\n    from high.a import x",
        "class C:\n    import high",
    ],
)
def test_an_upward_import_is_found(tmp_path: Path, source: str) -> None:
    modules = _packages(tmp_path, {"low/a.py": source, "high/a.py": "import low.a"})
    found = upward(imports_of(modules), {"low": 0, "high": 1})
    assert len(found) == 1
    assert found[0].startswith("low.a:")


@pytest.mark.parametrize(
    ("files", "ring"),
    [
        ({"low/a.py": "from low import b", "low/b.py": "from low.a import x"}, ["low.a", "low.b"]),
        ({"low/a.py": "from . import b", "low/b.py": "from .a import x"}, ["low.a", "low.b"]),
        ({"low/__init__.py": "from low.a import x", "low/a.py": "from low import y"}, ["low", "low.a"]),
        (
            {"low/a.py": "import low.p.b", "low/p/__init__.py": "import low.a", "low/p/b.py": ""},
            ["low.a", "low.p"],
        ),
        ({"low/a.py": "if x:\n    import low.b", "low/b.py": "import low.a"}, ["low.a", "low.b"]),
    ],
)
def test_a_cycle_is_found(tmp_path: Path, files: dict[str, str], ring: list[str]) -> None:
    modules = _packages(tmp_path, files)
    assert cycles(modules, imports_of(modules)) == [ring]


@pytest.mark.parametrize(
    "files",
    [
        {"low/a.py": "if TYPE_CHECKING:\n    from low.b import X", "low/b.py": "import low.a"},
        {"low/a.py": "if typing.TYPE_CHECKING:\n    import low.b", "low/b.py": "import low.a"},
        {"low/__init__.py": "from low.a import x", "low/a.py": "from low import b", "low/b.py": ""},
    ],
)
def test_what_is_no_cycle(tmp_path: Path, files: dict[str, str]) -> None:
    modules = _packages(tmp_path, files)
    assert cycles(modules, imports_of(modules)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import low.b",
        "class C:\n    async def f(self):\n        if x:\n            from . import b",
        "import importlib\nb = importlib.import_module('low.b')",
    ],
)
def test_an_import_inside_a_function_is_found(tmp_path: Path, source: str) -> None:
    modules = _packages(tmp_path, {"low/a.py": source, "low/b.py": ""})
    assert [entry.target for entry in imports_of(modules) if entry.in_function] == ["low.b"]
