"""DuckDB reads both datasets as they are."""

from datetime import datetime, timezone
from typing import Any

import duckdb
import pytest
from feed import FOLDER, KEYS, TABLES, documented, holders, holders_before, latest, manifests, unprotected

# How an analyst who is not at UTC sees the data: what is stored must not depend on it.
ELSEWHERE = "Asia/Kolkata"


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{ELSEWHERE}'")
    for table in TABLES:
        connection.execute(f"CREATE VIEW parquet_{table} AS FROM '{FOLDER}/parquet/{table}/**/*.parquet'")
        connection.execute(f"CREATE VIEW csv_{table} AS FROM {csv(table)}")
    return connection


def csv(table: str) -> str:
    """A CSV table, with the options that the document gives."""
    query = documented("DuckDB")["the users of the latest sync, from CSV"]
    return query[query.index("read_csv(") : query.index(")") + 1].replace("/users/", f"/{table}/")


def rows(db: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return db.execute(query).fetchall()


def ids(db: duckdb.DuckDBPyConnection, about: str) -> list[str]:
    """The first column of a documented query, sorted."""
    return sorted(row[0] for row in rows(db, documented("DuckDB")[about]))


@pytest.mark.parametrize("about", documented("DuckDB"))
def test_documented_query_runs(db: duckdb.DuckDBPyConnection, about: str) -> None:
    assert rows(db, documented("DuckDB")[about])


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_manifests(db: duckdb.DuckDBPyConnection, form: str, table: str) -> None:
    counted = rows(db, f"SELECT sync_id, count(*) FROM {form}_{table} GROUP BY sync_id ORDER BY min(synced_at)")
    assert counted == [(each["sync"]["id"], each["rows"][table]) for each in manifests(form)]
    assert len(counted) == 2


@pytest.mark.parametrize(
    ("form", "about"),
    [("parquet", "the users of the latest sync"), ("csv", "the users of the latest sync, from CSV")],
)
def test_the_pointer_leads_to_the_latest_sync_only(db: duckdb.DuckDBPyConnection, form: str, about: str) -> None:
    assert latest(form) == manifests(form)[-1]
    users = db.sql(documented("DuckDB")[about])
    found = users.aggregate("sync_id, sync_date::VARCHAR, count(*)", "sync_id, sync_date").fetchall()
    sync = latest(form)["sync"]
    assert found == [(sync["id"], sync["started_at"][:10], latest(form)["rows"]["users"])]


def test_who_holds_a_role(db: duckdb.DuckDBPyConnection) -> None:
    found = ids(db, "who holds a role")
    assert found == holders("Network Engineering")
    assert len(found) == 3


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_who_held_a_role_at_a_time(db: duckdb.DuckDBPyConnection, form: str) -> None:
    query = documented("DuckDB")["who held a role at a time"]
    if form == "csv":
        place = f"'{FOLDER}/parquet/grants_history/**/*.parquet'"
        query = query.replace(place, csv("grants_history")).replace("/parquet/latest", "/csv/latest")
        query = query.replace("valid_from <", "valid_from::TIMESTAMPTZ <").replace("valid_to >", "valid_to::TIMESTAMPTZ >")
    first, second = (each["sync"]["started_at"] for each in manifests(form))
    held = {}
    for day in ["2020-01-01T00:00:00Z", first, second, "2100-01-01T00:00:00Z"]:
        # What is stored has microseconds.
        moment = day if len(day) < 27 else day[:26] + "Z"
        held[day] = sorted(row[0] for row in rows(db, query.replace("2030-01-31 12:00:00Z", moment)))
    before, after = holders_before("Network Engineering"), holders("Network Engineering")
    assert list(held.values()) == [[], before, after, after]
    assert len(before) == len(after) + 1


def test_what_changed(db: duckdb.DuckDBPyConnection) -> None:
    changed = rows(db, documented("DuckDB")["what changed in the latest sync"])
    # The simulated tenant has another address on the second day.
    address = ("changed", "resource", None, None, ["description"])
    assert [row[:3] for row in changed if row[:5] != address] == [("removed", "grant", "Network Engineering")]


def test_the_history_is_that_of_the_syncs(db: duckdb.DuckDBPyConnection) -> None:
    for form in ["parquet", "csv"]:
        table = csv("grants_history") if form == "csv" else f"'{FOLDER}/parquet/grants_history/**/*.parquet'"
        history = f"(FROM {table} SEMI JOIN '{FOLDER}/{form}/latest.json' USING (sync_id))"
        for each in manifests(form):
            at = f"(SELECT DISTINCT synced_at::TIMESTAMPTZ FROM {form}_grants WHERE sync_id = '{each['sync']['id']}')"
            key = "entitlement_id, principal_type_id, principal_id"
            valid = f"valid_from::TIMESTAMPTZ <= {at} AND coalesce(valid_to::TIMESTAMPTZ > {at}, true)"
            then = f"SELECT {key} FROM {history} WHERE {valid}"
            grants = f"SELECT {key} FROM {form}_grants WHERE sync_id = '{each['sync']['id']}'"
            assert rows(db, f"({then}) EXCEPT ALL ({grants})") == []
            assert rows(db, f"({grants}) EXCEPT ALL ({then})") == []


def test_administrators_without_a_second_factor(db: duckdb.DuckDBPyConnection) -> None:
    found = ids(db, "administrators without a second factor")
    assert found == unprotected()
    assert found
    flagged = rows(db, "SELECT DISTINCT user_id FROM parquet_users WHERE administrator AND mfa_enabled = false")
    assert sorted(row[0] for row in flagged) == found


def test_every_sync_is_in_the_history(db: duckdb.DuckDBPyConnection) -> None:
    history = rows(db, documented("DuckDB")["how many grants each sync found"])
    assert [row[1:] for row in history] == [
        (each["sync"]["id"], each["sync"]["sync_type"], each["rows"]["grants"]) for each in manifests("parquet")
    ]


def test_who_was_left_out_is_named(db: duckdb.DuckDBPyConnection) -> None:
    left_out = rows(db, documented("DuckDB")["who was left out of the latest sync"])
    assert ("unknown_principal", "grant", "role", "role:9:assigned", "4242") in [row[:3] + row[4:6] for row in left_out]
    latest = manifests("parquet")[-1]
    assert len(left_out) == latest["left_out"]["rows"] == latest["rows"]["left_out"]


def test_every_grant_is_held_by_one_user(db: duckdb.DuckDBPyConnection) -> None:
    joined = "parquet_grants g JOIN parquet_users u ON u.sync_id = g.sync_id AND u.user_id = g.principal_id"
    assert rows(db, f"SELECT count(*) FROM {joined}") == rows(db, "SELECT count(*) FROM parquet_grants")


def test_role_names_are_a_list_of_the_roles_held(db: duckdb.DuckDBPyConnection) -> None:
    listed = "SELECT sync_id, user_id, unnest(role_names) AS role FROM parquet_users"
    held = "SELECT sync_id, principal_id, resource_display_name FROM parquet_grants WHERE resource_type_id = 'role'"
    assert rows(db, f"({listed}) EXCEPT ({held})") == []
    assert rows(db, f"({held}) EXCEPT ({listed})") == []


def expected(column: str, kind: str) -> str:
    """A Parquet column as the CSV has it: texts that a spreadsheet would take for formulas are guarded."""
    if kind != "VARCHAR":
        return column
    piece = r"((?:^|[,;|\t\r\n])[,;|\s''\"]*)([=+@-])"
    guarded = rf"regexp_replace({column}, '{piece}', '\1''\2', 'g')"
    return rf"CASE WHEN regexp_matches({column}, '^[\t\r\n]') THEN '''' || {guarded} ELSE {guarded} END"


def typed(column: str, kind: str) -> str:
    """A CSV column, all of which are texts, as what it is in Parquet."""
    if kind == "VARCHAR[]":
        return f"""from_json({column}, '["VARCHAR"]')"""
    return f"CAST({column} AS {kind})"


@pytest.mark.parametrize("table", TABLES)
def test_csv_holds_the_rows_of_parquet(db: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = rows(db, f"SELECT column_name, column_type FROM (DESCRIBE parquet_{table})")
    parquet = f"SELECT {', '.join(expected(*column) for column in columns)} FROM parquet_{table}"
    csv = f"SELECT {', '.join(typed(*column) for column in columns)} FROM csv_{table}"
    assert rows(db, f"({parquet}) EXCEPT ALL ({csv})") == []
    assert rows(db, f"({csv}) EXCEPT ALL ({parquet})") == []


def test_csv_has_what_is_hard_to_tell_apart(db: duckdb.DuckDBPyConnection) -> None:
    kinds = "count(*) FILTER (phone IS NULL), count(*) FILTER (phone = ''), count(*) FILTER (phone LIKE '''+%')"
    assert all(count > 0 for count in rows(db, f"SELECT {kinds} FROM csv_users")[0])


def microseconds(time: str) -> int:
    """Since the epoch, of a manifest's time, which has nanoseconds."""
    seconds, _, fraction = time.removesuffix("Z").partition(".")
    whole = datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc).timestamp()
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("table", TABLES)
def test_times_are_utc(db: duckdb.DuckDBPyConnection, form: str, table: str) -> None:
    found = rows(db, f"SELECT DISTINCT sync_id, epoch_us(synced_at::TIMESTAMPTZ) FROM {form}_{table} ORDER BY 2")
    assert found == [(each["sync"]["id"], microseconds(each["sync"]["started_at"])) for each in manifests(form)]
    kinds = dict(rows(db, f"SELECT column_name, column_type FROM (DESCRIBE parquet_{table})"))
    assert kinds["synced_at"] == "TIMESTAMP WITH TIME ZONE"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_manifest_knows_each_file(db: duckdb.DuckDBPyConnection, form: str) -> None:
    for file in latest(form)["files"]:
        # A number is text in a key; there are fewer than ten rows in `left_out`, so their order is the same.
        key = f"[{', '.join(f'{column}::VARCHAR' for column in KEYS[file['dataset']])}]"
        data = csv(file["dataset"]) if form == "csv" else f"'{FOLDER}/parquet/{file['dataset']}/**/*.parquet'"
        data = data.replace(f"{file['dataset']}/**/*.{form}", file["path"])
        found = rows(db, f"SELECT count(*), min({key}), max({key}) FROM {data}")
        assert found == [(file["rows"], file["min_key"], file["max_key"])], file["path"]
        assert (FOLDER / form / file["path"]).stat().st_size == file["bytes"]
