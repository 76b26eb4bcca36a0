"""What is installed: the packages, their data, and what importing them brings along."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

import biglittle

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
NOT_PACKAGES = {"tests", "build", "dist", "out", "requirements", "examples", "docs"}
CODE = {".py", ".pyc", ".typed"}


def _folders() -> list[Path]:
    """Folders of the tree that belong to the package, the root first."""

    def ours(folder: Path) -> bool:
        parts = folder.relative_to(ROOT).parts
        return not any(p.startswith((".", "__")) or p.endswith(".egg-info") for p in parts) and (
            not parts or parts[0] not in NOT_PACKAGES
        )

    found, todo = [], [ROOT]
    while todo:
        folder = todo.pop()
        found.append(folder)
        todo += [f for f in folder.iterdir() if f.is_dir() and not f.is_symlink() and ours(f)]
    return sorted(found)


def _dotted(folder: Path) -> str:
    return ".".join(["biglittle", *folder.relative_to(ROOT).parts])


def _data_files() -> list[str]:
    """Files below the packages that are not code, relative to the root."""
    files = [p for f in _folders() if f != ROOT for p in f.iterdir() if p.is_file()]
    ignored = {".partial"}
    return sorted(p.relative_to(ROOT).as_posix() for p in files if p.suffix not in CODE | ignored)


def test_the_list_of_packages_is_the_tree() -> None:
    in_tree = [_dotted(f) for f in _folders() if (f / "__init__.py").is_file()]
    assert sorted(PACKAGES) == sorted(in_tree)


def test_every_folder_with_code_is_a_package() -> None:
    without = [
        _dotted(f) for f in _folders() if any(f.glob("*.py")) and not (f / "__init__.py").is_file()
    ]
    assert without == []


def test_every_data_file_is_package_data() -> None:
    globs = [
        "/".join([*package.split(".")[1:], pattern])
        for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
    ]

    def covered(name: str) -> bool:
        path = PurePosixPath(name)
        return any(path.match(g) and g.count("/") == name.count("/") for g in globs)

    missing = [n for n in _data_files() if not n.endswith("README.md") and not covered(n)]
    assert missing == []


def test_no_pickle_in_the_tree() -> None:
    assert [n for n in _data_files() if re.search(r"\.(pkl|pickle|joblib|pt|pth)$", n)] == []


def test_the_version_is_the_package_s_own() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d*)?", biglittle.__version__)
    assert "version" in PROJECT["project"]["dynamic"]
    assert f"version: {biglittle.__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## [{biglittle.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_no_text_depends_on_the_locale() -> None:
    """Every file is read and written as UTF-8, whatever ``LC_ALL`` says."""

    def unsaid(call: ast.Call) -> bool:
        text = isinstance(call.func, ast.Attribute) and call.func.attr in (
            "read_text",
            "write_text",
        )
        return text and not any(k.arg == "encoding" for k in call.keywords)

    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in _folders()
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and unsaid(node)
    ]
    assert found == []


def test_the_root_imports_nothing() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]


def test_constraints_pin_every_dependency() -> None:
    def name_of(line: str) -> str:
        return re.match(r"[\w.-]+", line)[0].lower().replace("_", "-")

    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(d for ds in extras.values() for d in ds)]
    # plain xgboost serves other machines than the constraints are for.
    names = {name_of(line) for line in wanted} - {"xgboost"}
    assert names - {name_of(line) for line in pins} == set()


def test_one_oldest_python_is_named_everywhere() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert PROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), ROOT / "Makefile"]
    named = {
        page.name: version
        for page in pages
        if page.name != "CHANGELOG.md"
        for version in re.findall(r"(?:Python )?(3\.\d+) (?:or|and) newer", page.read_text("utf-8"))
    }
    assert {"README.md", "CONTRIBUTING.md", "Makefile"} <= {*named}
    assert {*named.values()} == {oldest}


def test_an_extra_that_is_missing_is_named_as_it_is_installed() -> None:
    from biglittle.bench.errors import EXTRA_OF, MissingExtraError

    extras = PROJECT["project"]["optional-dependencies"]
    distribution = {
        "PIL": "pillow",
        "sklearn": "scikit-learn",
        "torch_geometric": "torch-geometric",
        "yaml": "pyyaml",
    }
    for module, extra in EXTRA_OF.items():
        assert any(line.startswith(distribution.get(module, module)) for line in extras[extra])
        message = str(MissingExtraError(module, extra, "this"))
        assert f"pip install --constraint constraints.txt '.[{extra}]'" in message
    assert (ROOT / "constraints.txt").is_file()


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "not_loaded"),
    [
        ("import biglittle", {"numpy", "biglittle.bench"}),
        ("import biglittle.bench", {"torch", "pymoo", "onnx", "onnxruntime", "xgboost"}),
        (
            "from biglittle.bench import Benchmark",
            {"torch", "pymoo", "onnx", "pydantic", "scipy", "biglittle.bench.device_document"},
        ),
        ("import biglittle.searchers", {"torch", "pymoo", "onnxruntime"}),
        (
            "from biglittle.edge_profiler import profile_networks",
            {"torch", "pymoo", "xgboost", "sklearn", "h5py", "typer", "pydantic"},
        ),
        ("import biglittle.surrogates", {"torch", "pymoo", "xgboost", "sklearn"}),
        ("import biglittle.__main__", {"numpy", "torch", "pymoo", "onnxruntime"}),
    ],
)
def test_importing_stays_light(statement: str, not_loaded: set[str]) -> None:
    assert _modules_after(statement) & not_loaded == set()


@pytest.mark.parametrize("module", ["numpy", "msgspec"])
def test_a_board_without_a_module_is_told_so_in_one_line(module: str) -> None:
    """What ``profile --host`` starts there says what to install."""
    run = "import runpy; runpy.run_module('biglittle.edge_profiler', run_name='__main__')"
    code = f"import sys; sys.modules[{module!r}] = None; {run}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert module in line
    assert line.endswith("pip install numpy onnx onnxruntime msgspec")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    setuptools, tmp_path = pytest.importorskip("setuptools"), tmp_path_factory.mktemp("wheel")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip("building a wheel needs setuptools 77 or newer")
    tree = tmp_path / "tree"
    tree.mkdir()
    for folder in _folders():
        target = tree / folder.relative_to(ROOT)
        target.mkdir(exist_ok=True)
        for file in folder.iterdir():
            if file.is_file() and file.suffix != ".pyc":
                shutil.copy(file, target)
    build = "from setuptools import build_meta; build_meta.build_wheel('wheel')"
    done = subprocess.run([sys.executable, "-c", build], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = (tree / "wheel").glob("biglittle-*.whl")
    return built


def test_the_wheel_holds_every_module_and_every_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    code = [p.relative_to(ROOT).as_posix() for f in _folders() for p in f.glob("*.py")]
    data = [name for name in _data_files() if not name.endswith("README.md")]
    assert {f"biglittle/{name}" for name in [*code, *data, "py.typed"]} - names == set()
    assert not [name for name in names if "/tests/" in name]


def test_a_wheel_without_the_evidence_searches(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if "/data_tables/evidence/" not in n]
        assert len(names) < len(archive.namelist())
        archive.extractall(tmp_path / "site", names)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    words = ["search", "--budget", "200", "--out", "found"]
    done = subprocess.run(
        [sys.executable, "-m", "biglittle", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "found" / "front.json").is_file()
