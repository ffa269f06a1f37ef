"""Tables in plain text."""

from __future__ import annotations

from trainlib_deployer.report.text import plural, shape, table


def test_words_stand_left_and_numbers_right() -> None:
    text = table(["name", "bytes"], [["c1", 1234567], ["long_name", None], ["x", 0.5]])
    assert text.splitlines() == [
        "name           bytes",
        "c1         1,234,567",
        "long_name          -",
        "x               0.50",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert table(["a", "b"], []) == "a  b"


def test_words() -> None:
    assert (plural(1, "layer"), plural(1200, "layer")) == ("1 layer", "1,200 layers")
    assert (shape([1, 8, 8]), shape([])) == ("1x8x8", "scalar")
