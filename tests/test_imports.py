"""The house's import rule: data flows one way, and the front end runs without torch.

Checked over the imports as written (inside functions too), and in fresh processes over what was really imported.
Both checks are shown to fail where they should.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import losslang

PACKAGE = Path(losslang.__file__).parent
VICREG = str(PACKAGE.parent / "specs" / "vicreg.yaml")

# A stage imports itself and stages before it. `shipped` (where files lie) and `diagnostics` stand below all.
ORDER = [
    "shipped", "diagnostics",
    "syntax", "library", "objective", "meaning", "algebra", "analysis",
    "networks", "backend", "data", "evaluation", "training", "report", "experiment",
]  # fmt: skip
FRONT_END = {"diagnostics", "shipped", "syntax", "library", "objective", "meaning", "algebra", "analysis"}
NUMBERS = {"meaning", "analysis"}  # the stages of the front end that calculate, with numpy

# Inside a stage, too: a folder imports itself and folders before it.
INSIDE = {
    "losslang.analysis": [
        "table", "structure", "embeddings", "foresight", "probe", "difference", "ablation", "explain",
    ],
    "losslang.analysis.explain": ["notation", "formulas", "charts"],
}  # fmt: skip

# The compiler as one function, and what is asked about its methods: what takes a method's path calls them.
PIPELINE = {"pipeline", "questions"}
AFTER_PIPELINE = set(ORDER[ORDER.index("networks") :])

# Extras beside `toy` and `test`: images, other libraries' networks, files for other programs, pages and figures.
OPTIONAL = ["images", "hub", "zoo", "export", "report", "plot", "parquet", "tensorboard", "wandb", "sweep"]

# What drives the stages; no stage knows of it.
DRIVERS = {"cli", "__main__", "commands", "schema", "parity", *PIPELINE}


def stage_of(module):
    """`syntax` of `losslang.syntax.tree`; "" of `losslang` itself and of everything else."""
    first, *rest = module.split(".")
    return rest[0] if first == "losslang" and rest else ""


def imported(source, module):
    """Every module that a source text imports, relative imports resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(module.split(".")[: -node.level]) + "." if node.level else ""
            base = (package + (node.module or "")).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(module, source):
    """What a module imports against the rule."""
    stage = stage_of(module)
    for name in imported(source, module):
        library, other = name.split(".")[0], stage_of(name)
        if stage in FRONT_END and library in {"torch", "torchvision", "sklearn", "rich"}:
            yield f"{module} imports {library}"
        if stage in FRONT_END - NUMBERS and library == "numpy":
            yield f"{module} imports numpy"
        if stage not in ORDER or not other or other == stage:
            continue
        if other in PIPELINE and stage in AFTER_PIPELINE:
            continue
        if other in DRIVERS or (other in ORDER and ORDER.index(other) > ORDER.index(stage)):
            yield f"{module} imports {name}, a later stage"


def violations_inside(module, source):
    """What a module of a stage's folder imports from a later folder of the same stage."""
    for stage, order in INSIDE.items():
        folder, *names = (part_of(stage, name) for name in [module, *imported(source, module)])
        if folder in order:
            late = {name for name in names if name in order[order.index(folder) + 1 :]}
            yield from (f"{module} imports {stage}.{name}, a later folder" for name in sorted(late))


def part_of(stage, module):
    """`probe` of `losslang.analysis.probe.field` in the stage `losslang.analysis`; "" of what is not in it."""
    return module.removeprefix(f"{stage}.").split(".")[0] if module.startswith(f"{stage}.") else ""


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts), path.read_text(encoding="utf-8")


def test_every_folder_and_module_has_its_place():
    names = {stage_of(module) for module, _ in modules()} - {"__init__"}
    assert names <= {*ORDER, *DRIVERS}


@pytest.mark.parametrize("stage", [*ORDER, *sorted(DRIVERS)])
def test_imports_go_one_way(stage):
    of_stage = ((module, source) for module, source in modules() if stage_of(module) == stage)
    assert not [found for module, source in of_stage for found in violations(module, source)]


@pytest.mark.parametrize("stage", INSIDE)
def test_folders_inside_a_stage_have_their_place(stage):
    names = {part_of(stage, module) for module, _ in modules()}
    folders = {path.parent.name for path in PACKAGE.parent.joinpath(*stage.split(".")).glob("*/__init__.py")}
    assert folders <= set(INSIDE[stage]) <= names


def test_imports_inside_a_stage_go_one_way():
    assert not [found for module, source in modules() for found in violations_inside(module, source)]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("losslang.analysis.structure.values", "from losslang.analysis.probe.field import Field"),
        ("losslang.analysis.probe.probe", "from losslang.analysis import ablation"),
        ("losslang.analysis.explain.notation.latex", "from losslang.analysis.explain.formulas.scene import Scene"),
    ],
)
def test_the_rule_finds_inside_a_stage(module, line):
    assert list(violations_inside(module, line))
    assert not list(violations(module, line))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("losslang.syntax.read", "import torch"),
        ("losslang.analysis.verdict", "def f():\n    from torch import nn"),
        ("losslang.syntax.read", "import numpy as np"),
        ("losslang.syntax.read", "from losslang.objective import graph"),
        ("losslang.syntax.read", "from losslang import objective"),
        ("losslang.syntax.read", "from ..objective.graph import Graph"),
        ("losslang.diagnostics.codes", "import losslang.syntax.codes"),
        ("losslang.objective.graph", "from losslang.pipeline import check"),
        ("losslang.analysis.verdict", "from losslang.questions import diff"),
        ("losslang.training.cli", "from losslang.cli import main"),
    ],
)
def test_the_rule_finds(module, line):
    assert list(violations(module, line))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("losslang.objective.graph", "from losslang.syntax.tree import Method"),
        ("losslang.objective.graph", "from . import axes"),
        ("losslang.meaning.evaluate", "import numpy as np"),
        ("losslang.backend.emit", "import torch"),
        ("losslang.training.cli", "from losslang import pipeline, __version__"),
    ],
)
def test_the_rule_allows(module, line):
    assert not list(violations(module, line))


def test_what_is_imported_is_installed_by_the_readme():
    """The README installs the extra `toy`: with it, every package that any module imports must be there.

    What other extras bring is imported in one place each, behind a message that names the extra.
    """
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {"toy", "test", *OPTIONAL}
    names = {"pyyaml": "yaml", "scikit-learn": "sklearn", "pillow": "PIL"}

    def packages(*needs):
        return {names.get(name, name) for name in (re.match(r"[\w-]+", need)[0] for need in needs)}

    needed, optional = (
        packages(*project["dependencies"], *extras["toy"]),
        packages(*(need for name in OPTIONAL for need in extras[name])),
    )
    wanted = {name.split(".")[0] for module, source in modules() for name in imported(source, module)}
    wanted -= {*sys.stdlib_module_names, "losslang", "triton"}  # torch for CUDA brings triton, in the version it needs
    assert needed <= wanted <= needed | optional


# ---------------------------------------------------------------- in fresh processes

HEAVY = {"torch", "numpy", "sklearn", "rich"}


def loaded_after(program, path=()):
    """The heavy packages that a fresh process has imported at the end of a program."""
    report = "\nimport sys\nprint('\\n', *sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program + report],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": ":".join([*map(str, path), str(PACKAGE.parent)])},
    )
    return HEAVY & set(run.stdout.splitlines()[-1].split())


def test_importing_the_package_imports_nothing_heavy():
    assert not loaded_after("import losslang; losslang.SpecError; assert 'lark' not in __import__('sys').modules")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", VICREG],
        ["fmt", "--stdout", VICREG],
        ["list"],
        ["schema"],
        ["explain", "E301"],
        ["compile", "--show", "graph", VICREG],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_front_end_imports_no_torch(arguments):
    loaded = loaded_after(f"from losslang.cli import main\nassert main({arguments!r}) == 0")
    assert "torch" not in loaded
    assert "sklearn" not in loaded


def test_the_fresh_process_notices(tmp_path):
    (tmp_path / "torch.py").write_text("")
    assert loaded_after("def late():\n    import torch\nlate()", path=[tmp_path]) == {"torch"}
