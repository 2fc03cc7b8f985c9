"""Whether KaTeX renders every formula of docs/methods, strictly.

    npm install --prefix FOLDER katex
    python tests/analysis/explain/check_latex.py FOLDER

prints what it refuses and ends with status 1 where there is any. A script and no test: tests need no node.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGES = Path(__file__).parents[3] / "docs" / "methods"
RENDER = """
const katex = require('katex');
const formulas = JSON.parse(require('fs').readFileSync(0));
const refused = [];
for (const [page, formula] of formulas) {
  try { katex.renderToString(formula, {displayMode: true, throwOnError: true, strict: 'error'}); }
  catch (error) { refused.push(`${page}: ${error.message}`); }
}
console.log(refused.concat(`${formulas.length} formulas, ${refused.length} refused`).join('\\n'));
process.exit(refused.length ? 1 : 0);
"""


def formulas():
    """Every block and every letter in a line, with its page."""
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        yield from ((page.name, found) for found in re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL))
        yield from ((page.name, found) for found in re.findall(r"\| \$([^$\n]+)\$ \|", text))


def main(folder):
    """The exit status."""
    return subprocess.run(
        ["node", "-e", RENDER], input=json.dumps(list(formulas())), text=True, cwd=folder, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
