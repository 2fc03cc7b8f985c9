"""Our losses beside those of installed libraries and beside the formulas in eager torch: time and memory, both ways.

`cases` says what is compared, `libraries` calls others, `measuring` takes time and memory of one cell, `grid` goes through all
of them and keeps what is done, `page` writes the results.
"""
