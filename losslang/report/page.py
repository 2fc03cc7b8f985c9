"""The page: one HTML file with everything in it, that asks nothing of any network."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from losslang import __version__
from losslang.analysis.difference.difference import Difference
from losslang.diagnostics import LosslangError
from losslang.report.claims import Decision
from losslang.report.clouds import EndCloud, cloud_plots, input_plots, spectrum_plot
from losslang.report.curves import chosen_curves, curve_sections
from losslang.report.export import csv_text, every
from losslang.report.forces import force_plots
from losslang.report.html import Html, details, join, tag
from losslang.report.plots import COLORS, DARK_COLORS, DASHES, Plot
from losslang.report.runs import Group, RunData
from losslang.report.sections import (
    alarm_list,
    claim_list,
    difference_table,
    failure_list,
    method_article,
    prose,
    provenance,
    runs_table,
)
from losslang.report.theory import Theory

__all__ = ["Contents", "plotly_source", "render"]

NUMBERS = 1_300_000
"""Numbers that the page carries for download, about 4 MB; of more, steps are left out evenly."""

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src {connect}"


@dataclass(frozen=True)
class Contents:
    """What a page shows. `missing` says in words what could not be had; `decisions` are claims of papers.

    `title` is that of the experiment, and `plot` what it plots, where the page is about one.
    """

    groups: Sequence[Group]
    theories: Mapping[str, Theory] = field(default_factory=dict)
    differences: Sequence[Difference] = ()
    clouds: Sequence[tuple[Group, EndCloud]] = ()
    missing: Sequence[str] = ()
    decisions: Sequence[Decision] = ()
    live: bool = False
    title: str = ""
    plot: Sequence[str] = ()


def plotly_source() -> str:
    """The text of plotly.js. Raises LosslangError where it is not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise LosslangError("the page needs plotly: pip install 'losslang[report]'") from error
    return str(get_plotlyjs())


def render(contents: Contents, plotly: str) -> str:
    """The page as text; `plotly` is the text of plotly.js."""
    plots: dict[str, Plot] = {}
    sections = [section for section in _sections(contents, plots) if section[2]]
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in sections]
    body = [
        tag("a", "Skip to the results", href="#runs", class_="skip"),
        tag("header", *_heading(contents), _controls(contents.groups)),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", *(_section(name, title, content) for name, title, content in sections)),
        tag("footer", tag("p", f"Written by losslang {__version__} from run folders.")),
    ]
    data = {
        "plots": {name: plot.data() for name, plot in plots.items()},
        "colors": {"light": COLORS, "dark": DARK_COLORS},
        "dashes": DASHES,
        "live": contents.live,
    }
    csv = csv_text(contents.groups, most=NUMBERS)
    return _document(contents.title or _title(contents.groups), body, data, csv, plotly, live=contents.live)


def _document(title: str, body: Sequence[str], data: object, csv: str, plotly: str, *, live: bool) -> str:
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag(
            "meta", http_equiv="Content-Security-Policy", content=_POLICY.format(connect="'self'" if live else "'none'")
        ),
        tag("title", title),
        tag("style", _asset("page.css")),
    ]
    payloads = [
        tag("script", _packed(json.dumps(data, separators=(",", ":"))), type="text/plain", id="data"),
        tag("script", _packed(plotly), type="text/plain", id="plotly"),
        tag("script", _asset("page.js")),
        tag("script", _packed(csv), type="text/plain", id="csv"),  # last, as it is large and nothing waits for it
    ]
    return f"<!doctype html>\n{tag('html', tag('head', *head), tag('body', *body, *payloads), lang='en')}\n"


def _asset(name: str) -> Html:
    return Html(resources.files("losslang.report").joinpath(name).read_text(encoding="utf-8"))


def _packed(text: str) -> Html:
    """A text as gzip in base64, which the page unpacks: a quarter of plotly.js, a third of the numbers."""
    return Html(base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode())


def _heading(contents: Contents) -> list[Html]:
    """The experiment's title, or the methods and data that it would stand for."""
    if contents.title:
        return [tag("h1", contents.title), tag("p", _title(contents.groups))]
    return [tag("h1", _title(contents.groups))]


def _title(groups: Sequence[Group]) -> str:
    methods = list(dict.fromkeys(group.first.method for group in groups))
    data = ", ".join(dict.fromkeys(group.first.data for group in groups))
    named = ", ".join(methods) if len(methods) <= 4 else f"{len(methods)} methods"
    return f"{named} on {data}"


def _controls(groups: Sequence[Group]) -> Html:
    """Buttons that show and hide groups in all plots, the switch for single seeds, and that for the colours of the page."""
    chips = [
        tag("button", tag("span", "", class_="swatch", data_style=str(group.style)), group.label, type="button",
            data_group=group.label, aria_pressed="true", class_="chip")
        for group in groups
    ]  # fmt: skip
    kept = every(groups, NUMBERS)
    words = "All numbers as CSV" if kept == 1 else f"Numbers of every {kept}th step as CSV"
    switches = [
        tag("label", tag("input", type="checkbox", id="seeds"), " single seeds"),
        tag("button", "Dark or light", type="button", id="theme"),
        tag("button", words, type="button", id="save-csv"),
    ]
    return join([
        tag("div", *chips, class_="chips", role="group", aria_label="Show or hide runs"),
        tag("div", *switches, class_="switches"),
    ])  # fmt: skip


# ---------------------------------------------------------------- sections


def _sections(contents: Contents, plots: dict[str, Plot]) -> list[tuple[str, str, Html]]:
    groups = contents.groups
    theories = contents.theories
    return [
        ("runs", "Runs", _runs(contents)),
        ("claims", "Claims of the papers", claim_list(contents.decisions)),
        ("curves", "Curves", _curves(contents, plots)),
        ("mathematics", "Mathematics", join(method_article(theory) for theory in theories.values())),
        ("differences", "Differences", join(difference_table(found) for found in contents.differences)),
        ("forces", "Forces before training", _forces(theories, plots)),
        ("embeddings", "Embeddings", _embeddings(contents.clouds, plots)),
        ("provenance", "Settings and provenance", provenance(groups, _read)),
    ]


def _runs(contents: Contents) -> Html:
    groups = contents.groups
    missing = [tag("p", text) for text in contents.missing]
    return join([runs_table(groups), failure_list(groups), alarm_list(groups), *missing])


def _section(name: str, title: str, content: Html) -> Html:
    return tag("section", tag("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title")


def _curves(contents: Contents, plots: dict[str, Plot]) -> Html:
    groups = contents.groups
    parts = [
        tag(
            "p",
            "Lines are means over seeds, bands one standard deviation, as far as values can be. Zooming into one plot zooms all.",
        )
    ]
    chosen = chosen_curves(contents.plot, groups)
    if chosen:
        text = "A plot for each data set."
        parts += [tag("h3", "What the experiment plots"), tag("p", text), _grid(chosen, plots, "curve")]
    for section, found in curve_sections(groups):
        content = join([tag("p", section.text), _grid(found, plots, "curve")])
        if section.open:
            parts += [tag("h3", section.title), content]
        else:
            parts.append(details(f"{section.title} ({len(found)} plot{'s' * (len(found) > 1)})", content))
    return join(parts)


def _forces(theories: Mapping[str, Theory], plots: dict[str, Plot]) -> Html:
    if not theories:
        return Html()
    text = "What each term does to a controlled cloud of embeddings under gradient descent, as `losslang probe` computes it."
    found = [plot for theory in theories.values() for plot in force_plots(theory.probe)]
    return join([tag("p", prose(text)), _grid(found, plots, "force")])


def _embeddings(clouds: Sequence[tuple[Group, EndCloud]], plots: dict[str, Plot]) -> Html:
    if not clouds:
        return Html()
    text = "Unit embeddings of test samples by the last checkpoint of the first seed, along their two principal directions."
    planes = [*input_plots(clouds), *cloud_plots(clouds)]
    return join([_grid([spectrum_plot(clouds)], plots, "line"), tag("p", text), _grid(planes, plots, "cloud")])


def _grid(found: Sequence[Plot], plots: dict[str, Plot], kind: str) -> Html:
    return tag("div", *(_figure(plot, plots, kind) for plot in found), class_="grid")


def _figure(plot: Plot, plots: dict[str, Plot], kind: str) -> Html:
    """The place of a plot, with its description and downloads; the page's script draws it when it comes into sight."""
    name = f"plot{len(plots)}"
    plots[name] = plot
    return tag(
        "figure",
        tag("figcaption", tag("h4" if kind == "curve" else "h3", plot.title), tag("p", plot.formula, class_="formula")),
        tag("div", "", class_="canvas", role="img", aria_label=plot.text),
        tag(
            "div",
            tag("button", "SVG", type="button", data_save="svg", aria_label=f"{plot.title} as SVG"),
            tag("button", "CSV", type="button", data_save="csv", aria_label=f"{plot.title} as CSV"),
            class_="tools",
        ),
        details("In words", tag("p", plot.text)),
        id=name,
        class_="plot",
        data_kind=kind,
    )


def _read(run: RunData, name: str) -> str:
    try:
        return (run.folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return f"{name} is not in the folder, or cannot be read"
