"""Spark reads the Parquet dataset as it is."""

from collections.abc import Iterator

import pytest
from feed import FOLDER, TABLES, documented, holders, latest, manifests, unprotected
from pyspark.sql import DataFrame, SparkSession


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", False)
        # The session lives for seconds: compiling thoroughly would not pay.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", 1)
        .config("spark.sql.session.timeZone", "Asia/Kolkata")
        .config("spark.sql.warehouse.dir", str(FOLDER / "spark-warehouse"))
        .getOrCreate()
    )
    yield session
    session.stop()


def answer(spark: SparkSession, about: str) -> DataFrame:
    """A documented query, which is a Python expression."""
    return eval(documented("Spark")[about], {"spark": spark})  # noqa: S307


def test_every_documented_query_is_tested() -> None:
    assert list(documented("Spark")) == [
        "the users of the latest sync",
        "who holds a role",
        "administrators without a second factor",
    ]


def test_the_pointer_leads_to_the_latest_sync_only(spark: SparkSession) -> None:
    users = answer(spark, "the users of the latest sync")
    kinds = dict(users.dtypes)
    named = ["sync_id", "sync_date", "synced_at", "mfa_enabled", "role_names", "profile"]
    assert [kinds[name] for name in named] == ["string", "date", "timestamp", "boolean", "array<string>", "string"]
    # The session is not at UTC: a time that the file does not say to be UTC would be off by 5:30 hours.
    time = "date_format(to_utc_timestamp(synced_at, 'Asia/Kolkata'), \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS\")"
    found = users.selectExpr("sync_id", "cast(sync_date AS string)", time, "size(role_names) AS roles").collect()
    sync = latest("parquet")["sync"]
    assert {tuple(row)[:3] for row in found} == {(sync["id"], sync["started_at"][:10], sync["started_at"][:26])}
    assert len(found) == latest("parquet")["rows"]["users"]
    assert sum(row.roles for row in found) > 0


def test_who_holds_a_role(spark: SparkSession) -> None:
    found = answer(spark, "who holds a role").collect()
    assert sorted(row.principal_id for row in found) == holders("Network Engineering")
    assert len(found) == 3


def test_administrators_without_a_second_factor(spark: SparkSession) -> None:
    found = answer(spark, "administrators without a second factor").collect()
    assert sorted(row.user_id for row in found) == unprotected()


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_manifests(spark: SparkSession, table: str) -> None:
    counted = spark.read.parquet(f"{FOLDER}/parquet/{table}").groupBy("sync_id").count().collect()
    assert {row.sync_id: row["count"] for row in counted} == {
        each["sync"]["id"]: each["rows"][table] for each in manifests("parquet")
    }
