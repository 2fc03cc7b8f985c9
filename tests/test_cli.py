"""The command line: verbs, options, exit status, and that no traceback ever reaches a user."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from losslang import __version__, cli, load
from losslang.cli import main
from losslang.commands.inventory import inventory_text
from losslang.diagnostics import Diagnostic, LosslangError, Source, Span, SpecError
from losslang.library import shipped_library
from losslang.shipped import shipped_specs

GOOD = """\
losslang: 1
method: mine
networks:
  encoder: backbone
  projector: mlp(64, 64)
define:
  z: projector(encoder(x))
objective:
  align: mean((z[a] - z[b])^2)
  spread: mean(variance_hinge(z[v]) for v in views)
"""
WRONG = GOOD.replace("projector(encoder", "projectr(encoder")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with a good and a wrong method in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    return tmp_path


def run(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "losslang", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def fails_with(monkeypatch, error):
    """A command `fail` that raises."""

    def raise_it(_options):
        raise error

    monkeypatch.setitem(cli.COMMANDS, "fail", "")
    command = SimpleNamespace(add_options=lambda _parser: None, run=raise_it)
    monkeypatch.setitem(sys.modules, "losslang.commands.fail", command)
    return main(["fail"])


# ---------------------------------------------------------------- the command itself


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"losslang {__version__}\n"


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_verb(word, capsys):
    assert main([word]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {verb} " in text for verb in cli.COMMANDS)


@pytest.mark.parametrize("verb", cli.COMMANDS)
def test_every_verb_has_help(verb, capsys):
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: losslang {verb} ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: losslang"),
        (["chekc", "a.yaml"], "there is no command `chekc`; did you mean `check`?"),
        (["check"], "the following arguments are required: SPEC"),
        (["check", "a.yaml", "--formt", "json"], "there is no option --formt; did you mean `--format`?"),
        (["check", "a.yaml", "--form", "json"], "there is no option --form; did you mean `--format`?"),
        (["check", "a.yaml", "--format=jsn"], "`jsn` is none of text, json; did you mean `json`?"),
        (["check", "a.yaml", "--set", "width"], "`width` is not of the form name=value"),
        (["check", "a.yaml", "--set", "w=1", "--set", "w=2"], "`w` is set twice"),
        (["check", "a.yaml", "--set", "w=warm"], "`w` is set to `warm`, which is not a number"),
        (["list", "spec"], "did you mean `specs`?"),
        (["train", "a.yaml", "--seeds", "many"], "`many` is not a whole number: number of seeds to train (1)"),
        (["fmt", "a.yaml", "--check", "--stdout"], "not allowed with argument"),
        (["compile"], "the following arguments are required: SPEC"),
        (["diff", "simsiam"], "the following arguments are required: B\n"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.out + captured.err
    assert "Traceback" not in captured.err


def test_a_mistake_of_the_user_is_a_message(monkeypatch, capsys):
    assert fails_with(monkeypatch, LosslangError("runs/ cannot be written")) == 1
    assert capsys.readouterr().err == "losslang: runs/ cannot be written\n"


def test_wrong_methods_are_their_diagnostics(monkeypatch, capsys):
    source = Source("a.yaml", "objective: 1\n")
    assert fails_with(monkeypatch, SpecError([Diagnostic("E301", "wrong", Span(source, 11, 12))])) == 1
    assert capsys.readouterr().err.startswith("a.yaml:1:12: error[E301]: wrong\n    1 | objective: 1\n")


def test_a_file_that_cannot_be_used_is_a_message(monkeypatch, capsys):
    assert fails_with(monkeypatch, PermissionError(13, "Permission denied", "out/x.py")) == 1
    assert capsys.readouterr().err == "losslang: out/x.py: Permission denied\n"


def test_an_error_of_ours_asks_for_a_report(monkeypatch, capsys):
    monkeypatch.delenv("LOSSLANG_DEBUG", raising=False)
    assert fails_with(monkeypatch, KeyError("z")) == 70
    err = capsys.readouterr().err
    assert err.startswith("losslang: internal error: KeyError: 'z'\n")
    assert "please report it" in err
    assert "Traceback" not in err


def test_the_place_of_an_error_of_ours_on_request(monkeypatch, capsys):
    monkeypatch.setenv("LOSSLANG_DEBUG", "1")
    assert fails_with(monkeypatch, KeyError("z")) == 70
    assert "raise_it" in capsys.readouterr().err


def test_an_interruption_is_quiet(monkeypatch, capsys):
    assert fails_with(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------- check


VERDICT = "  stable by variance (term `spread`)\n  dimensional collapse possible: no term opposes correlated features\n"


def test_check_of_good_and_wrong(folder, capsys):
    assert main(["check", "good.yaml"]) == 0
    assert capsys.readouterr().out == f"good.yaml: no errors\n{VERDICT}"
    assert main(["check", "good.yaml", "wrong.yaml"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("wrong.yaml:7:6: error[E2")
    assert "did you mean `projector`" in out
    assert out.endswith(f"good.yaml: no errors\n{VERDICT}")


def test_check_as_json(folder, capsys):
    assert main(["check", "--format", "json", "good.yaml", "wrong.yaml"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["errors"] == 1
    assert document["diagnostics"][0]["file"] == "wrong.yaml"


def test_check_of_a_file_that_is_not_there(folder, capsys):
    assert main(["check", "good.yml", "good.yaml"]) == 1
    out = capsys.readouterr().out
    assert "good.yml" in out.splitlines()[0]
    assert out.endswith(f"good.yaml: no errors\n{VERDICT}")


def test_settings_reach_the_method(folder, capsys):
    text = GOOD.replace("networks:", "parameters: {width: 64}\nnetworks:").replace("mlp(64, 64)", "mlp(width, width)")
    (folder / "sized.yaml").write_text(text, encoding="utf-8")
    assert main(["check", "sized.yaml", "--set", "width=32"]) == 0
    assert main(["check", "sized.yaml", "--set", "widht=32"]) == 1
    assert "did you mean `width`?" in capsys.readouterr().out


def test_a_name_without_its_ending(folder, capsys):
    assert main(["check", "good"]) == 1
    assert "did you mean `good.yaml`?" in capsys.readouterr().out


def test_a_size_that_is_none_is_named_once_with_its_value(folder, capsys):
    text = GOOD.replace("networks:", "parameters: {width: 64}\nnetworks:").replace("mlp(64, 64)", "mlp(width, width)")
    (folder / "sized.yaml").write_text(text, encoding="utf-8")
    assert main(["train", "sized.yaml", "--set", "width=-3"]) == 1
    err = capsys.readouterr().err
    assert err.count("a size is a whole number from 1 to 10,000,000, not -3") == 1
    assert "`width` is set by --set" in err


@pytest.mark.parametrize(
    ("text", "kind"), [(GOOD, "a method"), ("experiment: e\nmethods: [simsiam]\n", "an experiment")]
)
def test_a_recipe_that_is_something_else(text, kind, folder, capsys):
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    assert main(["train", "good.yaml", "--recipe", "recipe.yaml"]) == 1
    err = capsys.readouterr().err
    assert f"recipe.yaml is {kind}, not a recipe" in err
    assert err.count("\n") == 1


def test_an_experiment_into_a_file_says_nothing_before(folder, capsys):
    (folder / "e.yaml").write_text("experiment: e\nmethods: [simsiam]\ndata: moons\n", encoding="utf-8")
    assert main(["experiment", "e.yaml", "--out", "good.yaml"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "good.yaml is a file, and the experiment needs a folder" in captured.err


# ---------------------------------------------------------------- fmt


def test_fmt_writes_in_place_once(folder, capsys):
    untidy = GOOD.replace("(z[a] - z[b])^2", "(z[a]-z[b])^2")
    (folder / "good.yaml").write_text(untidy, encoding="utf-8")
    assert main(["fmt", "--check", "good.yaml"]) == 1
    assert capsys.readouterr().out == "good.yaml would change\n"
    assert (folder / "good.yaml").read_text(encoding="utf-8") == untidy
    assert main(["fmt", "good.yaml"]) == 0
    assert capsys.readouterr().out == "good.yaml written\n"
    assert "(z[a] - z[b])^2" in (folder / "good.yaml").read_text(encoding="utf-8")
    assert main(["fmt", "good.yaml"]) == 0
    assert main(["fmt", "--check", "good.yaml"]) == 0
    assert capsys.readouterr().out == ""


def test_fmt_converts_to_the_sibling_and_back(folder, capsys):
    main(["fmt", "good.yaml"])
    tidy = (folder / "good.yaml").read_text(encoding="utf-8")
    assert main(["fmt", "--to", "loss", "good.yaml"]) == 0
    assert (folder / "good.loss").read_text(encoding="utf-8").startswith("method mine\n")
    assert main(["fmt", "--to", "yaml", "good.loss"]) == 1
    assert "good.yaml exists already" in capsys.readouterr().err
    assert main(["fmt", "--to", "yaml", "--stdout", "good.loss"]) == 0
    assert capsys.readouterr().out == tidy


def test_fmt_of_several_formats_the_good_ones(folder, capsys):
    (folder / "broken.yaml").write_text("losslang: 1\nmethod: [\n", encoding="utf-8")
    untidy = GOOD.replace("(z[a] - z[b])^2", "(z[a]-z[b])^2")
    (folder / "good.yaml").write_text(untidy, encoding="utf-8")
    assert main(["fmt", "broken.yaml", "good.yaml"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("broken.yaml:")
    assert captured.out == "good.yaml written\n"


def test_fmt_prints_what_ships(folder, capsys):
    assert main(["fmt", "simsiam", "--stdout"]) == 0
    assert "\nmethod: simsiam\n" in capsys.readouterr().out
    assert main(["fmt", "simsiam", "--to", "loss"]) == 0
    assert capsys.readouterr().out.startswith("method simsiam ")
    assert {path.name for path in folder.iterdir()} == {"good.yaml", "wrong.yaml"}


def test_fmt_keeps_permissions_and_links(folder):
    (folder / "good.yaml").write_text(GOOD.replace(" - ", "-"), encoding="utf-8")
    (folder / "good.yaml").chmod(0o640)
    (folder / "link.yaml").symlink_to("good.yaml")
    assert main(["fmt", "link.yaml"]) == 0
    assert (folder / "link.yaml").is_symlink()
    assert (folder / "good.yaml").stat().st_mode & 0o777 == 0o640
    assert " - " in (folder / "good.yaml").read_text(encoding="utf-8")


# ---------------------------------------------------------------- compile, list, schema, explain


@pytest.mark.parametrize("stage", ["tree", "graph", "canonical"])
def test_every_stage_can_be_shown(stage, folder, capsys):
    assert main(["compile", "good.yaml", "--show", stage]) == 0
    assert "align" in capsys.readouterr().out


def test_compile_writes_python(folder, capsys):
    assert main(["compile", "good.yaml", "-o", "mine.py"]) == 0
    assert capsys.readouterr().out == ""
    compile((folder / "mine.py").read_text(encoding="utf-8"), "mine.py", "exec")


def test_a_file_says_which_passes_were_left_out(folder, capsys):
    assert main(["compile", "good.yaml", "--without", "streaming", "--without", "cheaper_side"]) == 0
    assert "\nWithout passes: streaming, cheaper_side.\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "vicreg", "--world", "64"], "add --cost"),
        (["explain", "vicreg", "--batch", "64"], "add --cost"),
        (["compile", "vicreg", "--show", "graph", "--without", "cheaper_side"], "before the passes"),
    ],
)
def test_an_option_that_would_say_nothing_is_refused(arguments, message, capsys):
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_compile_into_a_folder_that_is_not_there(folder, capsys):
    assert main(["compile", "good.yaml", "-o", "no/mine.py"]) == 1
    assert capsys.readouterr().err == "losslang: no/mine.py: No such file or directory\n"


def test_compile_replaces_only_what_losslang_wrote(folder, capsys):
    mine = folder / "mine.py"
    mine.write_text("print('years of work')\n")
    assert main(["compile", "good.yaml", "-o", "mine.py"]) == 1
    assert "mine.py exists, and losslang has not written it" in capsys.readouterr().err
    assert mine.read_text() == "print('years of work')\n"
    assert main(["compile", "good.yaml", "-o", "mine.py", "--force"]) == 0
    assert main(["compile", "good.yaml", "-o", "mine.py"]) == 0
    assert "Written by losslang" in mine.read_text()


def test_list(capsys):
    assert main(["list", "specs"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert "simsiam" in {row.split()[0] for row in rows}
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{kind}\n" in out for kind in ("specs", "primitives", "backbones", "data", "recipes", "codes"))


def test_the_page_of_the_language_is_current():
    text = Path(__file__).parents[1].joinpath("docs/language.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\nlosslang list (\w+)\n```\n\n```text\n(.*?)```\n", text, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["statements", "axes", "networks", "primitives"]
    for kind, rows in blocks:
        assert rows == inventory_text(kind), f"write the output of `losslang list {kind}` into docs/language.md"


def test_help_of_a_verb(capsys):
    assert main(["help", "check"]) == 0
    assert "usage: losslang check" in capsys.readouterr().out


def test_a_file_where_a_folder_belongs(folder, capsys):
    (folder / "taken").write_text("")
    assert main(["explain", "--pages", "taken"]) == 1
    assert "taken: is a file, and a folder is needed" in capsys.readouterr().err


def test_a_spec_of_the_checkout_is_known_by_its_name_elsewhere(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", "nowhere/simsiam.yaml"]) == 1
    shown = capsys.readouterr()
    assert "did you mean `simsiam`, which ships?" in shown.out + shown.err


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("mean(z", "mean(stop_gradient(z)", "write `stopgrad(z)`"),
        ("mean(z", "mean(cosine_similarity(z, z)", "write `dot(normalize(x), normalize(y))`"),
        ("z =", "z\u00a0=", "a space that is not that of the keyboard"),
        ("network encoder", "network \u03c6", "letters from a to z"),
    ],
)
def test_habits_of_other_tools_have_a_remedy(before, after, message, capsys, tmp_path):
    text = "method m\nnetwork encoder = backbone\nz = encoder(x)\nminimize\n  t: mean(z)\n"
    path = tmp_path / "m.loss"
    path.write_text(text.replace(before, after), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    shown = capsys.readouterr()
    assert message in shown.out + shown.err


def test_list_says_what_the_files_say(capsys):
    main(["list", "specs"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, path in shipped_specs().items():
        assert f"{name} {load(path).title}" in shown
    assert "equal to facebookresearch/vicreg" in shown

    main(["list", "primitives"])
    rows = capsys.readouterr().out.splitlines()
    for row, definition in zip(rows, shipped_library().values(), strict=False):
        names = ", ".join(re.escape(parameter.name) + "[^,]*" for parameter in definition.parameters)
        assert re.match(rf"{definition.name}\({names}\)  +{re.escape(definition.documentation.splitlines()[0])}$", row)


@pytest.mark.parametrize("what", ["method", "recipe"])
def test_schema_is_json(what, capsys):
    assert main(["schema", what]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["type"] == "object"
    assert schema["description"]
    assert schema["properties"]


def test_every_key_of_a_method_is_described(capsys):
    main(["schema"])
    properties = json.loads(capsys.readouterr().out)["properties"]
    assert all(field["description"] for field in properties.values())


# ---------------------------------------------------------------- as a process


def test_the_process_has_the_same_status_and_output(folder):
    done = run("check", "wrong.yaml", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.startswith("wrong.yaml:7:6: error[E2")
    assert done.stderr == ""


def test_a_reader_that_leaves_is_no_error(folder):
    command = f"'{sys.executable}' -m losslang list | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "141"}


def test_a_reader_of_a_training_that_leaves_is_no_error(folder):
    train = "train simsiam --set steps=400 --set evaluation.every=50 --set log_every=400"
    command = f"'{sys.executable}' -m losslang {train} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_an_interruption_of_the_imports_is_quiet(folder):
    program = """
import sys
import losslang.__main__ as entry
class Interrupted:
    def find_spec(self, name, *_):
        if name == "losslang.commands.failures":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
sys.exit(entry.main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_terminal_that_knows_only_ascii(folder):
    (folder / "µ.yaml").write_text(WRONG, encoding="utf-8")
    done = run("check", "µ.yaml", cwd=folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.startswith("\\xb5.yaml:7:6: error")


def test_a_misspelt_method_that_ships_is_suggested(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (["explain", "simsaim"], ["check", "simsaim"], ["diff", "vicreg", "simsaim"]):
        assert main(words) > 0
        shown = capsys.readouterr()
        assert "did you mean `simsiam`, which ships?" in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["experiment", "mine.yaml", "--members", "0"], "--members 0: at least one is needed"),
        (["experiment", "mine.yaml", "--processes", "0"], "--processes 0: at least one is needed"),
        (["explain", "E30"], "there is no code E30"),
        (["eval", "nothing"], "nothing holds no run: there is no nothing/settings.json"),
        (["data", "show", "nothing"], "nothing is no cache: it holds no index.json"),
        (["experiment", "mine.loss"], "mine.loss is a method; an experiment is a YAML file"),
        (["train", "simsiam", "--max-restarts", "-1"], "--max-restarts -1: no less than 0"),
        (["train", "simsiam", "--resume", "--overwrite"], "--overwrite removes it and begins anew; give one of them"),
        (["fmt", "simsiam"], "`simsiam` ships, and is only read; print it with --stdout"),
    ],
    ids=" ".join,
)
def test_what_is_none_is_said_to_be_none(arguments, message, capsys):
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
