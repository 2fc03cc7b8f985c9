"""`extends`: what replaces, what is removed, and what a chain gives."""

import pytest

from losslang.diagnostics import Report, Source, SpecError
from losslang.pipeline import compile_source, load

BASE = """
losslang: 1
method: base
parameters: {weight: 2, other: 3}
networks:
  encoder: backbone
  projector: linear(8)
define:
  z: projector(encoder(x))
objective:
  align: weight * mean(z)
  extra: other * mean(z^2)
"""


@pytest.fixture
def chain(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)

    def write(name, text):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"losslang: 1\nmethod: {name}\n{text}")
        return load(path)

    return write


def test_entries_replace_by_name_and_keep_their_place(chain):
    spec = chain("child", "extends: base\nparameters: {weight: 5}\nobjective:\n  more: mean(abs(z))\n")
    assert spec.parameters["weight"].value == 5
    assert spec.parameters["weight"].source.endswith("child.yaml:4")
    assert spec.parameters["other"].source.endswith("base.yaml:4")
    assert [term.name for term in spec.graph.terms] == ["align", "extra", "more"]
    assert spec.bases == ("base",)


def test_null_removes(chain):
    spec = chain("child", "extends: base\nparameters: {other: null}\nobjective:\n  extra: null\n")
    assert [term.name for term in spec.graph.terms] == ["align"]


def test_removing_what_is_used_is_an_error(chain):
    with pytest.raises(SpecError, match="nothing called `weight`"):
        chain("child", "extends: base\nparameters: {weight: null}\n")


def test_chains_and_circles(chain):
    chain("child", "extends: base\n")
    assert chain("grandchild", "extends: child\n").bases == ("child", "base")
    with pytest.raises(SpecError, match="no method `two`"):
        chain("one", "extends: two\n")
    with pytest.raises(SpecError, match="circle"):
        chain("two", "extends: one\n")


def test_layout_and_comments_do_not_change_the_hash(chain):
    one = chain("child", "extends: base\nparameters: {weight: 5}\n")
    two = chain("child", "extends: base\n# heavier\nparameters:\n  weight: 5   # was 2\n")
    assert one.hash == two.hash
    assert one.hash != chain("child", "extends: base\n").hash


@pytest.mark.parametrize("name", ["../secret", "'../secret'", "folder/secret", "/etc/passwd", "..", "'..\\secret'"])
def test_extends_opens_no_file_elsewhere(tmp_path, monkeypatch, name):
    (tmp_path / "secret.yaml").write_text(BASE)
    inner = tmp_path / "inner"
    (inner / "folder").mkdir(parents=True)
    (inner / "folder" / "secret.yaml").write_text(BASE)
    own = inner / "child.yaml"
    own.write_text(f"losslang: 1\nmethod: child\nextends: {name}\nobjective: {{o: 1}}\n")

    opened = []
    monkeypatch.setattr("losslang.objective.bases.load_source", lambda path, report: opened.append(path) or None)
    text = own.read_text()
    report = Report()
    assert compile_source(Source(str(own), text), report) is None
    assert report.has_errors
    assert opened == []


def test_words_on_a_method_are_its_own(chain, tmp_path):
    """A title and notes of the base need not be true of what extends it; the paper is what both are of."""
    words = "title: The base\nnotes: As it is.\npaper: arXiv:2011.10566\n"
    (tmp_path / "base.yaml").write_text(BASE.replace("method: base\n", f"method: base\n{words}"))
    child = chain("child", "extends: base\n")
    assert (child.title, child.notes, child.paper) == ("", "", "arXiv:2011.10566")
    own = chain("own", "extends: base\ntitle: T\nnotes: N.\n")
    assert (own.title, own.notes) == ("T", "N.")
