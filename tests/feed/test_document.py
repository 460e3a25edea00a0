"""The document itself: no query in it escapes the tests."""

import re

from feed import DOCUMENT, documented


def test_every_block_is_a_query_of_one_line() -> None:
    fences = re.findall(r"^```(?:sql|python)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert len(fences) == sum(len(documented(language)) for language in ["DuckDB", "Spark", "Iceberg"])
    assert len(documented("DuckDB")) >= 5 and len(documented("Spark")) >= 3
