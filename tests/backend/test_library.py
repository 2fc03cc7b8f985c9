"""Functions that emission copies by name: one of each name over all files, and in a module all that it calls, once."""

import ast
import builtins
import dis
from collections import Counter
from importlib import resources
from types import CodeType

import pytest

from losslang.backend import library
from losslang.pipeline import emit
from losslang.shipped import shipped_specs


def defined_names(source):
    """The names that a source gives at its top level, as often as it does; `__all__` is every file's own."""
    for item in ast.parse(source).body:
        if isinstance(item, ast.FunctionDef | ast.ClassDef):
            yield item.name
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            yield from (target.id for target in targets if target.id != "__all__")


def called_names(code):
    """The names that the functions of a module ask the module for."""
    yield from (at.argval for at in dis.get_instructions(code) if at.opname == "LOAD_GLOBAL")
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from called_names(part)


def missing_names(source):
    """What functions of a module call that it does not have."""
    code, module = compile(source, "module", "exec"), {"__name__": "module"}
    exec(code, module)
    return set(called_names(code)) - set(module) - set(vars(builtins))


def test_every_name_is_in_one_file():
    texts = [(resources.files(package) / file).read_text() for package, file in library.FILES]
    counts = Counter(name for text in texts for name in defined_names(text))
    assert [name for name, count in counts.items() if count > 1] == []
    assert set(counts) == library.function_names()


def test_a_name_of_two_files_is_refused(monkeypatch):
    monkeypatch.setattr(library, "FILES", (*library.FILES, library.FILES[0]))
    with pytest.raises(AssertionError, match="has names of other files"):
        library._definitions.__wrapped__()


@pytest.mark.parametrize("name", shipped_specs())
def test_a_module_has_all_that_it_calls_once(name):
    source = emit(name)
    assert [found for found, count in Counter(defined_names(source)).items() if count > 1] == []
    assert missing_names(source) == set()


def test_a_function_that_is_missing_is_seen():
    assert missing_names("def one(x):\n    return two(x)\n") == {"two"}
