"""Tables of words: as wide as asked for, and nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from losslang.analysis.table import table

WORDS = st.text(alphabet="abcdefgh (,)", max_size=80)


@given(rows=st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4), width=st.integers(40, 120))
def test_every_line_fits_and_every_character_is_there(rows, width):
    lines = table(rows, width)
    assert all(len(line) <= width for line in lines)
    written = sorted("".join(lines).replace(" ", ""))
    assert written == sorted("".join(cell for row in rows for cell in row).replace(" ", ""))


def test_fixed_columns_keep_their_width():
    lines = table([("a name that is long", "x " * 60)], 60, fixed=(0,))
    assert lines[0].startswith("a name that is long  x x")


def test_short_tables_are_not_stretched():
    assert table([("role", "one"), ("a", "two")], 100) == ["role  one", "a     two"]
