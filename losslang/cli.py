"""The command line: one function per verb, each importing its stage inside, so that no verb pays for another's imports.

Exit status: 0 done and clean; 1 a method, a file or a setting is wrong (for `fmt --check`: a layout would change);
2 the command line itself is wrong; 70 an error of ours; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from losslang import __version__
from losslang.commands.arguments import CommandParser, did_you_mean
from losslang.diagnostics import Diagnostic, LosslangError, SpecError

__all__ = ["main"]

OK, WRONG, USAGE, INTERNAL, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 70, 130, 141


_SMALL_NUMBERS = {"check", "diff", "explain", "probe", "ablate"}
"""Verbs that compute with a few small arrays."""


@dataclass(frozen=True)
class Verb:
    """A verb of the command line."""

    help: str
    options: Callable[[CommandParser], None]
    run: Callable[[Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command (by default the process's own) and give its exit status. Never a traceback."""
    _tolerate_narrow_encodings()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except SystemExit as exit_:  # argparse: help, or wrong usage
        return exit_.code if isinstance(exit_.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:  # noqa: BLE001 - whatever it is, a user gets a message
        return _failed(error)
    return status


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_overview())
        return OK if arguments else USAGE
    if arguments[0] == "--version":
        print(f"losslang {__version__}")
        return OK
    name, *rest = arguments
    if name not in VERBS:
        print(f"losslang: there is no command `{name}`{did_you_mean(name, VERBS)}\n\n{_overview()}", file=sys.stderr)
        return USAGE
    if name in _SMALL_NUMBERS:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # starting numpy's threads costs more than all their sums
    verb = VERBS[name]
    parser = CommandParser(prog=f"losslang {name}", description=verb.help)
    verb.options(parser)
    return verb.run(parser.parse(rest))


def _overview() -> str:
    width = max(map(len, VERBS)) + 2
    rows = [f"  {name:<{width}}{verb.help}" for name, verb in VERBS.items()]
    status = "Exit status: 0 clean, 1 a method, file or setting is wrong, 2 the command line is wrong."
    return "\n".join(["usage: losslang COMMAND …   (losslang COMMAND --help says more)", "", *rows, "", status])


# ---------------------------------------------------------------- what can go wrong


def _failed(error: Exception) -> int:
    if isinstance(error, SpecError):
        from losslang.diagnostics.render import render_text, wants_color

        print(render_text(error.diagnostics, color=wants_color(sys.stderr)), end="", file=sys.stderr)
        return WRONG
    if isinstance(error, LosslangError):
        print(f"losslang: {error}", file=sys.stderr)
        return WRONG
    if isinstance(error, OSError) and error.filename is not None:
        print(f"losslang: {error.filename}: {error.strerror}", file=sys.stderr)
        return WRONG
    if os.environ.get("LOSSLANG_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    print(
        f"losslang: internal error: {type(error).__name__}: {error}\n"
        "This is a mistake in losslang, not in your files; please report it"
        " (LOSSLANG_DEBUG=1 shows where it happened).",
        file=sys.stderr,
    )
    return INTERNAL


def _reader_left() -> int:
    """`losslang … | head`: nobody reads on, so stop quietly, and keep Python from complaining at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _tolerate_narrow_encodings() -> None:
    """On a terminal that knows only ASCII, messages show escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # tests put other streams there
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


# ---------------------------------------------------------------- train


def _train_options(parser: CommandParser) -> None:
    parser.specs()
    parser.add_argument("--recipe", metavar="R", default="toy", help="how to train: a shipped recipe or a file (toy)")
    parser.add_argument("--data", metavar="D", help="the data set, instead of the recipe's")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="number of seeds to train (1)")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="the first seed (0)")
    parser.settings()
    parser.add_argument(
        "--on-collapse",
        choices=["stop", "warn", "ignore"],
        help="what the collapse alarm does (warn; as `on_collapse`)",
    )
    parser.add_argument(
        "--processes",
        metavar="N",
        type=int,
        default=1,
        help="share every batch among N processes (1; docs/processes.md)",
    )
    parser.add_argument(
        "--microbatch", metavar="N", type=int, help="rows that the networks see at a time (all; as `microbatch`)"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="the run folder (runs/…)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the run folder")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing run folder")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would happen: settings, sizes, cost; do nothing"
    )
    parser.add_argument("--quiet", action="store_true", help="print only the table at the end")


def _train(options: Namespace) -> int:
    if options.processes != 1:
        from losslang.training.launch import launch

        return launch(options.processes, options.given)
    from losslang.training.cli import train_main

    return train_main(options.specs, options)


# ---------------------------------------------------------------- data


def _data_options(parser: CommandParser) -> None:
    from losslang.commands.data import add_options

    add_options(parser)


def _data(options: Namespace) -> int:
    from losslang.commands.data import data_main

    return data_main(options)


# ---------------------------------------------------------------- experiment


def _experiment_options(parser: CommandParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="an experiment file, such as examples/figure4.yaml")
    parser.settings()
    parser.add_argument("--seeds", metavar="N", type=int, help="number of seeds, instead of the file's")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the folder of the experiment (runs/NAME)")
    parser.add_argument("--processes", metavar="P", type=int, help="processes at once (one per core)")
    parser.add_argument(
        "--members", metavar="M", type=int, default=16, help="most runs in one ensemble; 1 for none (16)"
    )


def _experiment(options: Namespace) -> int:
    from losslang.experiment.cli import experiment_main

    return experiment_main(options.file, options)


# ---------------------------------------------------------------- eval, export


def _eval_options(parser: CommandParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a run folder")
    parser.add_argument("--data", metavar="D", help="other data, to see what passes over to them")


def _eval(options: Namespace) -> int:
    from losslang.commands.runs import evaluate_runs

    return evaluate_runs(options.runs, options.data)


def _export_options(parser: CommandParser) -> None:
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    targets = ["torchvision", "timm", "safetensors", "onnx"]
    parser.add_argument("--to", choices=targets, required=True, help="who is to read the backbone's weights")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="the file (in the run folder)")


def _export(options: Namespace) -> int:
    from losslang.commands.runs import export_run

    return export_run(options.run, options.to, options.out)


# ---------------------------------------------------------------- check


def _check_options(parser: CommandParser) -> None:
    parser.specs()
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text for people, json for tools")
    parser.parameters()


def _check(options: Namespace) -> int:
    from losslang.diagnostics.render import render_json, render_text, wants_color
    from losslang.pipeline import examine, stability

    found = {spec: examine(spec, parameters=options.set) for spec in options.specs}
    diagnostics = [diagnostic for of_spec, _ in found.values() for diagnostic in of_spec]
    if options.format == "json":
        print(render_json(diagnostics), end="")
    else:
        print(render_text(diagnostics, color=wants_color(sys.stdout)), end="")
        for name, (_, spec) in found.items():
            if spec is not None:
                print("\n".join([f"{name}: no errors", *(f"  {line}" for line in stability(spec).lines())]))
    return WRONG if any(diagnostic.is_error for diagnostic in diagnostics) else OK


# ---------------------------------------------------------------- diff


def _diff_options(parser: CommandParser) -> None:
    parser.add_argument("left", metavar="A", help="a method file, or the name of a shipped method")
    parser.add_argument("right", metavar="B", help="another")
    parser.add_argument("more", metavar="C", nargs="*", help="more of them: a table with a column for each")
    parser.add_argument("--json", action="store_true", help="print it for tools")
    parser.add_argument("--full", action="store_true", help="show what is equal, too")
    parser.add_argument(
        "--measure", action="store_true", help="add ratio and angle of the gradients on the same clouds"
    )


def _diff(options: Namespace) -> int:
    from losslang.pipeline import diff, diff_many

    methods = [options.left, options.right, *options.more]
    try:
        found = diff_many(methods) if options.more else diff(*methods)
        text = found.json() if options.json else found.text(full=options.full)
        if options.measure:
            from losslang.commands.measuring import measured

            text = measured(text, methods, as_json=options.json)
    except (LosslangError, OSError) as error:
        _failed(error)
        return USAGE
    print(text)
    return WRONG if found else OK


# ---------------------------------------------------------------- probe


def _probe_options(parser: CommandParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a method file, or the name of a shipped method")
    parser.add_argument("--extra", action="store_true", help="the extra gradient on unit rows, in place of the forces")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print it for tools")
    forms.add_argument("--csv", action="store_true", help="print one line for every term and cloud")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the forces: .svg, .png or .pdf")
    parser.parameters()


def _probe(options: Namespace) -> int:
    from losslang.commands.probing import probed

    print(probed(options), end="")
    return OK


# ---------------------------------------------------------------- ablate


def _ablate_options(parser: CommandParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a method file, or the name of a shipped method")
    parser.add_argument("--json", action="store_true", help="print it for tools")
    parser.add_argument(
        "--train", action="store_true", help="train every change, and show the outcome beside the verdict"
    )
    parser.add_argument("--recipe", metavar="R", default="toy", help="how to train (toy)")
    parser.add_argument("--data", metavar="D", help="the data set, instead of the recipe's")
    parser.add_argument("--seeds", metavar="N", type=int, default=1, help="number of seeds to train (1)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where methods and runs go (runs/NAME-ablation)")
    parser.add_argument("--overwrite", action="store_true", help="replace runs that exist")
    parser.settings()


def _ablate(options: Namespace) -> int:
    from losslang.commands.ablating import ablated

    print(ablated(options))
    return OK


# ---------------------------------------------------------------- fmt


def _fmt_options(parser: CommandParser) -> None:
    parser.specs()
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--check", action="store_true", help="write nothing; exit 1 if a layout would change")
    where.add_argument("--stdout", action="store_true", help="print instead of writing")
    parser.add_argument("--to", choices=["yaml", "loss"], help="convert: writes the sibling file of that spelling")


def _fmt(options: Namespace) -> int:
    from losslang.commands.formatting import format_file

    changed = False
    wrong: list[Diagnostic] = []
    for spec in options.specs:
        try:
            changed |= format_file(spec, options)
        except SpecError as error:  # the other files are formatted all the same
            wrong += error.diagnostics
    if wrong:
        raise SpecError(wrong)
    return WRONG if options.check and changed else OK


# ---------------------------------------------------------------- compile


def _compile_options(parser: CommandParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a method file")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="where to write the torch module")
    parser.add_argument(
        "--show",
        choices=["tree", "graph", "canonical", "optimised", "python"],
        help="print what the compiler has after this stage",
    )
    parser.add_argument(
        "--without", metavar="PASS", action="append", default=[], help="leave out a pass of the optimiser (repeatable)"
    )
    parser.parameters()


def _compile(options: Namespace) -> int:
    from losslang import pipeline

    if options.show:
        print(pipeline.show(options.spec, options.show, parameters=options.set, without=options.without).rstrip("\n"))
    if options.out:
        from losslang.commands.files import write

        write(options.out, pipeline.emit(options.spec, parameters=options.set, without=options.without))
    elif not options.show:
        print(pipeline.emit(options.spec, parameters=options.set, without=options.without), end="")
    return OK


# ---------------------------------------------------------------- report


def _report_options(parser: CommandParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="run folders, or folders that hold some")
    parser.add_argument("-o", metavar="FILE", dest="out", type=Path, help="where to write the page (report.html)")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write every number as CSV, one line per run and step")
    parser.add_argument("--parquet", metavar="FILE", type=Path, help="the same as Parquet, one row per number")
    parser.add_argument("--watch", action="store_true", help="serve the page on this machine while runs train")
    parser.add_argument("--port", metavar="N", type=int, default=8765, help="port of --watch (8765; 0 for any)")


def _report(options: Namespace) -> int:
    from losslang.commands.reporting import report_main

    return report_main(options)


# ---------------------------------------------------------------- figure


def _figure_options(parser: CommandParser) -> None:
    from losslang.report.claims import FIGURES

    names = ["figure1", *FIGURES]
    parser.add_argument("names", metavar="NAME", nargs="+", choices=names, help=", ".join(names))
    parser.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="runs of NAME are in DIR/NAME (runs)"
    )
    parser.add_argument(
        "-o", metavar="DIR", dest="out", type=Path, default=Path("figures"), help="where to write (figures)"
    )


def _figure(options: Namespace) -> int:
    from losslang.commands.figuring import figure_main

    return figure_main(options)


# ---------------------------------------------------------------- list, schema, explain


def _list_options(parser: CommandParser) -> None:
    from losslang.commands.inventory import INVENTORY

    parser.add_argument("what", metavar="WHAT", nargs="?", choices=[*INVENTORY], help=", ".join(INVENTORY))


def _list(options: Namespace) -> int:
    from losslang.commands.inventory import inventory_text

    print(inventory_text(options.what), end="")
    return OK


def _schema_options(parser: CommandParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        choices=["method", "recipe", "experiment"],
        default="method",
        help="method (default), recipe or experiment",
    )


def _schema(options: Namespace) -> int:
    import json

    from losslang.schema import json_schema

    print(json.dumps(json_schema(options.what), indent=2, ensure_ascii=False))
    return OK


def _explain_options(parser: CommandParser) -> None:
    parser.add_argument("what", metavar="WHAT", nargs="?", help="a method file, a method that ships, or a code")
    parser.add_argument("--latex", action="store_true", help="formulas in LaTeX")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text", help="how it is laid out")
    parser.add_argument("--graph", choices=["mermaid", "svg"], help="networks and terms as a flow chart, alone")
    parser.add_argument("--pages", metavar="DIR", type=Path, help="write the pages of all methods that ship")
    parser.add_argument(
        "--cost", action="store_true", help="what a step of the loss costs, as written and as optimised"
    )
    parser.add_argument("--batch", metavar="N", type=int, default=1024, help="with --cost: images in a batch (1024)")
    parser.add_argument("--dimension", metavar="D", type=int, help="with --cost: features (the method's own)")
    parser.add_argument(
        "--world", metavar="W", type=int, default=1, help="with --cost: processes that share the batch (1)"
    )
    parser.parameters()


def _explain(options: Namespace) -> int:
    from losslang.commands.explaining import explained, pages, write_pages

    if (options.what is None) == (options.pages is None):
        print("losslang explain: name a method or a code, such as E301; or --pages DIR", file=sys.stderr)
        return USAGE
    print(explained(options) if options.pages is None else write_pages(options.pages, pages()), end="")
    return OK


VERBS = {
    "train": Verb("train methods; the default recipe `toy` ends in seconds on a CPU", _train_options, _train),
    "data": Verb("prepare images as a fast cache, or look at one", _data_options, _data),
    "report": Verb("make one page of run folders: mathematics, curves, embeddings, settings", _report_options, _report),
    "experiment": Verb(
        "train methods × data × seeds as one experiment; goes on where it stopped", _experiment_options, _experiment
    ),
    "figure": Verb("draw the papers' figures from run folders and decide their claims", _figure_options, _figure),
    "eval": Verb("measure a finished or unfinished run by the frozen protocol", _eval_options, _eval),
    "export": Verb("write a run's backbone for torchvision, timm, safetensors or ONNX", _export_options, _export),
    "check": Verb("say everything that is wrong with method files", _check_options, _check),
    "probe": Verb("print the forces of a method on center, residual and weak directions", _probe_options, _probe),
    "ablate": Verb("give the verdict without each term and mechanism in turn", _ablate_options, _ablate),
    "diff": Verb("say what two methods differ in; exit 0 same mathematics, 1 different, 2 error", _diff_options, _diff),
    "fmt": Verb("lay method files out canonically, or convert between .yaml and .loss", _fmt_options, _fmt),
    "compile": Verb("write a method as one readable torch module", _compile_options, _compile),
    "list": Verb("list what ships: specs, primitives, backbones, data, recipes, codes", _list_options, _list),
    "schema": Verb("print the JSON Schema of method files or recipes, for editors", _schema_options, _schema),
    "explain": Verb("explain a method, its mathematics first, or a code such as E301", _explain_options, _explain),
}
