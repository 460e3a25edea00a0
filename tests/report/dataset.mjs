// The dataset of the same sync, asked with SQL.

import { DuckDBInstance } from "@duckdb/node-api";

const TABLES = ["resource_types", "resources", "users", "entitlements", "grants", "syncs"];

/** The tables of one sync of a Parquet dataset. */
export const dataset = async (folder, sync) => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  for (const table of TABLES) {
    await connection.run(`CREATE VIEW ${table} AS SELECT * FROM '${folder}/${table}/**/*.parquet' WHERE sync_id = '${sync}'`);
  }
  return {
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRows().map((row) => row.map((value) => (typeof value === "bigint" ? Number(value) : value))),
    close: () => connection.closeSync(),
  };
};
