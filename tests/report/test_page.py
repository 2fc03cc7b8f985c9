"""The page as a text: whole, described in words, and small."""

import itertools
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from losslang.cli import main
from losslang.report.found import find_runs
from losslang.report.html import Html, join, table, tag
from losslang.report.page import Contents, plotly_source, render
from losslang.report.runs import group_runs
from tests.report.conftest import METHODS, synthetic

FULL = os.environ.get("LOSSLANG_REPORT_TESTS") == "full"


class Outline(HTMLParser):
    """Elements with their attributes, and that every one is closed."""

    VOID = frozenset({"meta", "input", "br", "wbr"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.stack = [], []
        self.feed(text)
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def all(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page.read_text(encoding="utf-8"))


def test_landmarks_and_headings(outline):
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(outline.all(landmark)) == 1
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert outline.all("html")[0]["lang"] == "en"


def test_everything_seen_is_said_in_words_too(outline):
    pictures = [a for a in outline.all("div") if a.get("role") == "img"]
    assert len(pictures) == len(outline.all("figure")) > 20
    assert all(len(picture["aria-label"]) > 30 for picture in pictures)
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(th["scope"] in {"row", "col"} for th in outline.all("th"))


def test_links_lead_within_the_page(outline):
    names = {attributes["id"] for _, attributes in outline.elements if "id" in attributes}
    links = [a["href"] for a in outline.all("a")]
    assert links
    assert all(link.startswith("#") and link[1:] in names for link in links)


def test_nothing_comes_from_elsewhere(outline, page):
    assert not any("src" in a or a.get("rel") for _, a in outline.elements)
    (policy,) = [a["content"] for a in outline.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy


def test_mathematics_verdicts_differences_and_provenance_are_there(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<article>") == len(METHODS)
    assert text.count("<math") > 10
    assert "collapses because" in text
    assert "stability mechanism" in text
    for words in ("evaluation.every", "class BarlowLoss", "arXiv:2103.03230", "Settings of simsiam"):
        assert words in text
    assert "simsiam_no_stopgrad, 2 of 2 seeds" in text


def test_claims_of_papers_are_decided_where_their_runs_are(page):
    text = page.read_text(encoding="utf-8")
    assert "Without its stop-gradient SimSiam collapses to the center." in text
    assert (
        '<li class="holds"><strong>Holds</strong> on blobs: center norm of simsiam_no_stopgrad' in text
        or "Undecided" in text
    )
    assert "BYOL" not in text.partition('id="claims"')[2].partition("</section>")[0]


def test_runs_of_an_experiment_have_its_names(runs, tmp_path):
    import shutil

    folder = tmp_path / "mine"
    shutil.copytree(runs, folder)
    rows = [
        {"label": f"number {at}", "swept": {"optimizer.learning_rate": 0.1}, "folder": f"{name}-blobs/seed{seed}"}
        for at, name in enumerate(METHODS)
        for seed in range(2)
    ]
    listed = {"experiment": "mine", "title": "What & why", "plot": [], "runs": rows}
    (folder / "experiment.json").write_text(json.dumps(listed), encoding="utf-8")
    found = group_runs(find_runs([folder]).runs)
    assert [group.label for group in found] == [found_name(at) for at in range(3)]
    text = render(Contents(found, title="What & why"), "")
    assert "<h1>What &amp; why</h1>" in text
    (folder / "experiment.json").write_text("{", encoding="utf-8")
    assert main(["report", str(folder), "-o", str(tmp_path / "page.html")]) == 1


def found_name(at):
    return f"number {at} learning_rate=0.1"


def test_a_run_that_failed_says_why(tmp_path):
    run = replace(synthetic(tmp_path, "bad", 3, 4), failure="the term `x` is no finite number at step 3")
    text = render(Contents(group_runs([run])), "")
    assert "bad, seed 3, failed: the term <code>x</code> is no finite number at step 3." in text
    assert ">failed<" in text


def test_a_page_without_checkpoints_says_so(runs, tmp_path):
    path = runs / "simsiam-blobs" / "seed0"
    copy = tmp_path / "run"
    copy.mkdir()
    for file in path.iterdir():
        if file.suffix in {".json", ".jsonl", ".yaml", ".py"}:
            (copy / file.name).write_bytes(file.read_bytes())
    out = tmp_path / "page.html"
    assert main(["report", str(copy), "-o", str(out)]) == 0
    assert "The embeddings of simsiam are missing" in out.read_text(encoding="utf-8")


def test_a_method_file_that_is_wrong_now_leaves_the_rest(runs, tmp_path):
    import shutil

    copy = shutil.copytree(runs / "simsiam-blobs" / "seed0", tmp_path / "run")
    (copy / "method.yaml").write_text("losslang: 1\nmethod: simsiam\n")
    out = tmp_path / "page.html"
    assert main(["report", str(copy), "-o", str(out)]) == 0
    assert "so its mathematics are missing" in out.read_text(encoding="utf-8")


def test_without_plotly_it_is_said_what_to_install(monkeypatch, runs, capsys, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    assert main(["report", str(runs), "-o", str(tmp_path / "page.html")]) == 1
    assert "losslang[report]" in capsys.readouterr().err


def test_a_page_of_many_runs_stays_small(tmp_path):
    """50 runs of 2,000 points in the full mode, a sixteenth of the points otherwise."""
    points = 2000 if FULL else 125
    runs = [synthetic(tmp_path, f"method{at}", seed, points) for at in range(10) for seed in range(5)]
    size = len(render(Contents(group_runs(runs)), plotly_source()).encode())
    print(f"50 runs of {points} points: {size / 1e6:.1f} MB")
    assert size < (10e6 if FULL else 4.5e6)


def test_texts_are_escaped():
    assert tag("p", "<b> & ", Html("<i>x</i>"), title='"') == '<p title="&quot;">&lt;b&gt; &amp; <i>x</i></p>'
    assert join(["<", Html("<br>")]) == "&lt;<br>"
    assert "&lt;script&gt;" in table("<script>", ["a"], [["<script>"]])
    assert "a_<wbr>b&lt;" in table("t", ["a"], [["a_b<"]])


def test_what_the_table_calls_lost_rank_is_no_word_of_the_alarm(tmp_path):
    """Half of the rank may be gone where the alarm, which waits for next to nothing, rang in none of the runs."""
    result = {"steps": 40, "knn": 0.9, "collapsed": "dimensional", "alarms": []}
    runs = [replace(synthetic(tmp_path, "m", seed, 4), result=result) for seed in range(3)]
    runs[2] = replace(runs[2], result=result | {"collapsed": "none"})
    text = render(Contents(group_runs(runs)), "").partition('id="claims"')[0]
    assert "rank below half in 2 of 3" in text
    assert "rang in none" in text
    assert "waits until less than 15 % of those beyond the first are left" in text
    assert "dimensional" not in text.partition("<main")[2].partition("</section>")[0]
