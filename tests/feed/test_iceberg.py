"""Iceberg takes every table as it is: the field ids of columns and list elements are those that it gives itself."""

from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from feed import FOLDER, documented, latest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog

FILES = {file["dataset"]: file for file in latest("parquet")["files"] + latest("parquet")["history"]["files"]}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = SqlCatalog("feed", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("feed")
    return catalog


def file_of(name: str) -> str:
    return str(FOLDER / "parquet" / FILES[name]["path"])


def columns(name: str) -> Any:
    return pyarrow.parquet.read_schema(file_of(name))


@pytest.mark.parametrize("name", FILES)
def test_files_are_added_as_they_are(catalog: Catalog, name: str) -> None:
    [recipe] = documented("Iceberg").values()
    exec(recipe.replace("feed.grants", f"feed.{name}"), {"catalog": catalog, "file": file_of(name), "pyarrow": pyarrow})
    table = catalog.load_table(f"feed.{name}")
    assert table.scan().to_arrow().num_rows == FILES[name]["rows"]


@pytest.mark.parametrize("name", FILES)
def test_rows_are_appended(catalog: Catalog, name: str) -> None:
    table = catalog.create_table(f"feed.{name}", schema=columns(name))
    rows = pyarrow.parquet.read_table(file_of(name), partitioning=None)
    table.append(rows)
    assert table.scan().to_arrow().num_rows == rows.num_rows


@pytest.mark.parametrize("name", FILES)
def test_readers_of_arrow_see_no_dictionaries(name: str) -> None:
    assert not any(pyarrow.types.is_dictionary(field.type) for field in columns(name))
    file = pyarrow.parquet.ParquetFile(file_of(name)).metadata
    if file.num_rows > 0:
        encodings = file.row_group(0).column(0).encodings
        assert any("DICTIONARY" in encoding for encoding in encodings)
