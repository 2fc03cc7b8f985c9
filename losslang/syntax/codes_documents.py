"""Codes of files and of YAML. The examples are YAML files; tests read both sides (not of E501 to E503 and E518)."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["DOCUMENTS"]

_START: Final = "losslang: 1\nmethod: m\nextends: simsiam\n"

DOCUMENTS: Final[dict[str, Code]] = {
    "E501": Code(
        "file cannot be read",
        "There is no such file, it is a folder or a device, or you may not read it.",
        "losslang check spec/simsiam.yaml",
        "losslang check specs/simsiam.yaml",
    ),
    "E502": Code(
        "file too long",
        "A method is a short file; one of more than 65,536 characters is a mistake, or something else than a method.",
        "losslang check data.yaml",
        "losslang check specs/simsiam.yaml",
    ),
    "E503": Code(
        "not UTF-8",
        "Method files are texts in UTF-8. Editors call other encodings UTF-16, Latin-1 or Windows-1252; save the "
        "file anew.",
        "a file in UTF-16",
        "the same file in UTF-8",
    ),
    "E504": Code(
        "control character",
        "The text holds a character that is not printed, such as NUL, or a line end that is read differently from "
        "place to place.",
        _START + "title: a\0b",
        _START + "title: a b",
    ),
    "E505": Code(
        "not YAML",
        "YAML itself cannot read the file from this place on. Most often the indentation is wrong, a quote is not "
        "closed, or a value that holds `: ` has no quotes.",
        _START + "title: SimSiam: a study",
        _START + "title: 'SimSiam: a study'",
    ),
    "E506": Code(
        "not a method file",
        "A method file is a mapping of keys to values (or, as text, a sequence of statements). This is something "
        "else, or empty.",
        "- losslang",
        _START,
    ),
    "E507": Code(
        "alias, anchor, tag or merge key",
        "`&`, `*`, `!` and `<<` let one YAML text mean another, and can expand to any size. A spec says "
        "everything where it stands.",
        _START + "parameters: {a: &x 1}",
        _START + "parameters: {a: 1}",
    ),
    "E508": Code(
        "folded text",
        "`>` joins lines in a way that depends on their indentation. `|` keeps them as they are, and expressions "
        "do not mind line breaks.",
        _START + "define:\n  y: >\n    mean(z)",
        _START + "define:\n  y: |\n    mean(z)",
    ),
    "E509": Code(
        "second document, or directive",
        "A file holds one method. `---` begins a second document, and a line with `%` speaks to YAML readers, "
        "which do not agree on it.",
        _START + "---\n" + _START,
        _START,
    ),
    "E510": Code(
        "unknown key",
        "A method file has a fixed set of keys, so that a misspelled one cannot go unnoticed.",
        _START + "network: {encoder: backbone}",
        _START + "networks: {encoder: backbone}",
    ),
    "E511": Code(
        "no value",
        "The key has no value. An empty value is not `null` here, because it is most often a line that was "
        "forgotten; `null`, spelled so, removes what came by `extends`.",
        _START + "networks:\n  predictor:",
        _START + "networks:\n  predictor: null",
    ),
    "E512": Code(
        "wrong kind of value",
        "A list stands where a mapping should, or a mapping where an expression should. An expression that begins "
        "with a bracket is a list or a mapping for YAML unless it has quotes.",
        _START + "define:\n  - mean(z)",
        _START + "define:\n  y: mean(z)",
    ),
    "E513": Code(
        "expression cut apart",
        "Between { } and [ ] YAML cuts at every comma, also inside round brackets, and says nothing. There an "
        "expression needs quotes; on a line of its own it does not.",
        _START + "networks: {predictor: mlp(512, 2048)}",
        _START + "networks: {predictor: 'mlp(512, 2048)'}",
    ),
    "E514": Code(
        "key is no name",
        "A list or a mapping stands where a key should.",
        _START + "define:\n  [a, b]: mean(z)",
        _START + "define:\n  c: mean(z)",
    ),
    "E515": Code(
        "document nested too deep",
        "A method file needs four levels; this one has more than any could.",
        _START + "recipes: {a: " + "{b: " * 30 + "1" + "}" * 31,
        _START + "recipes: {toy: {epochs: 3}}",
    ),
    "E516": Code(
        "version missing",
        "The first key of a YAML method says which version of the language it is written in.",
        "method: m\nextends: simsiam",
        _START,
    ),
    "E517": Code(
        "spelling that readers disagree on",
        "Some YAML readers take `no` for false, `012` for ten, `1:30` for ninety and `~` for null; others do not. "
        "Write what is meant: true, false, null, a decimal number, or a text in quotes.",
        _START + "recipes: {toy: {amp: no}}",
        _START + "recipes: {toy: {amp: false}}",
    ),
    "E518": Code(
        "wrong ending of a file name",
        "The ending says which spelling a file has: .yaml (or .yml), or .loss for the text form. This file has another "
        "ending, or is written in the other spelling.",
        "losslang check simsiam.txt",
        "losslang check simsiam.loss",
    ),
    "E519": Code(
        "too many errors",
        "The file has more than a hundred errors; the first are shown. Most often one of them is the reason for the others.",
        "a file that is no method at all",
        "a method",
    ),
}
