//! The tables of a v1 c1z (docs/reference/c1z.md §2.2). Never add a column: baton-sdk's clone step fails on unknown columns. Two
//! index names on `v1_resources` are swapped in baton-sdk, and so they are here.

use crate::v1::sqlite::Column;
use crate::v1::sqlite::Index;
use crate::v1::sqlite::Predicate;
use crate::v1::sqlite::Table;

pub(crate) const RESOURCE_TYPES: usize = 0;
pub(crate) const RESOURCES: usize = 1;
pub(crate) const ENTITLEMENTS: usize = 2;
pub(crate) const GRANTS: usize = 3;
pub(crate) const ASSETS: usize = 4;
pub(crate) const SYNC_RUNS: usize = 5;

const TEXT: &str = "text not null";
const BLOB: &str = "blob not null";
const TIME: &str = "datetime not null";

const fn column(name: &'static str, declaration: &'static str) -> Column {
    Column { name, declaration }
}

const fn index(name: &'static str, columns: &'static [&'static str]) -> Index {
    Index {
        name,
        columns,
        unique: false,
        only: None,
    }
}

const fn unique(name: &'static str, columns: &'static [&'static str]) -> Index {
    Index {
        name,
        columns,
        unique: true,
        only: None,
    }
}

const fn partial(name: &'static str, columns: &'static [&'static str], only: Predicate) -> Index {
    Index {
        name,
        columns,
        unique: false,
        only: Some(only),
    }
}

const GRANTS_BY_PRINCIPAL: Index = index(
    "idx_grants_principal_id_v1",
    &["principal_resource_type_id", "principal_resource_id"],
);
const GRANTS_BY_ENTITLEMENT: Index = index(
    "idx_grants_entitlement_id_principal_id_v1",
    &[
        "entitlement_id",
        "principal_resource_type_id",
        "principal_resource_id",
    ],
);
const GRANTS_BY_ENTITLEMENT_AND_SYNC: Index = index(
    "idx_grants_entitlement_sync_grant_v1",
    &["entitlement_id", "sync_id", "id"],
);
const GRANTS_TO_EXPAND: Index = partial(
    "idx_grants_sync_needs_expansion_v1",
    &["sync_id"],
    Predicate::IsOne("needs_expansion"),
);

/// The same tables for a temporary database that is only read here: grants without the indexes that no query uses.
pub(crate) static TABLES_TO_READ: [Table; 7] = to_read(&TABLES);

const fn to_read(tables: &[Table; 7]) -> [Table; 7] {
    let mut tables = *tables;
    tables[GRANTS].indexes = &[
        GRANTS_BY_PRINCIPAL,
        GRANTS_BY_ENTITLEMENT,
        GRANTS_BY_ENTITLEMENT_AND_SYNC,
        GRANTS_TO_EXPAND,
    ];
    tables
}

/// All tables, at the indexes that the constants name.
pub(crate) static TABLES: [Table; 7] = [
    Table {
        name: "v1_resource_types",
        columns: &[
            column("external_id", TEXT),
            column("data", BLOB),
            column("sync_id", TEXT),
            column("discovered_at", TIME),
        ],
        indexes: &[unique(
            "idx_resource_types_external_sync_v1",
            &["external_id", "sync_id"],
        )],
    },
    Table {
        name: "v1_resources",
        columns: &[
            column("resource_type_id", TEXT),
            column("external_id", TEXT),
            column("parent_resource_type_id", "text"),
            column("parent_resource_id", "text"),
            column("data", BLOB),
            column("sync_id", TEXT),
            column("discovered_at", TIME),
        ],
        indexes: &[
            index("idx_resources_resource_type_id_v1", &["resource_type_id"]),
            index(
                "idx_resources_external_sync_v1",
                &["parent_resource_type_id", "parent_resource_id"],
            ),
            unique("idx_resources_parent_resource_id_v1", &["external_id", "sync_id"]),
        ],
    },
    Table {
        name: "v1_entitlements",
        columns: &[
            column("resource_type_id", TEXT),
            column("resource_id", TEXT),
            column("external_id", TEXT),
            column("data", BLOB),
            column("sync_id", TEXT),
            column("discovered_at", TIME),
        ],
        indexes: &[
            index(
                "idx_entitlements_resource_id_v1",
                &["resource_type_id", "resource_id"],
            ),
            unique("idx_entitlements_external_sync_v1", &["external_id", "sync_id"]),
        ],
    },
    Table {
        name: "v1_grants",
        columns: &[
            column("resource_type_id", TEXT),
            column("resource_id", TEXT),
            column("entitlement_id", TEXT),
            column("principal_resource_type_id", TEXT),
            column("principal_resource_id", TEXT),
            column("external_id", TEXT),
            column("expansion", "blob"),
            column("needs_expansion", "integer not null default 0"),
            column("data", BLOB),
            column("sync_id", TEXT),
            column("discovered_at", TIME),
        ],
        indexes: &[
            index(
                "idx_grants_resource_type_id_resource_id_v1",
                &["resource_type_id", "resource_id"],
            ),
            GRANTS_BY_PRINCIPAL,
            GRANTS_BY_ENTITLEMENT,
            unique("idx_grants_external_sync_v1", &["external_id", "sync_id"]),
            GRANTS_BY_ENTITLEMENT_AND_SYNC,
            partial(
                "idx_grants_sync_expansion_v1",
                &["sync_id"],
                Predicate::NotNull("expansion"),
            ),
            GRANTS_TO_EXPAND,
        ],
    },
    Table {
        name: "v1_assets",
        columns: &[
            column("external_id", TEXT),
            column("content_type", TEXT),
            column("data", BLOB),
            column("sync_id", TEXT),
            column("discovered_at", TIME),
        ],
        indexes: &[unique("idx_assets_external_sync_v1", &["external_id", "sync_id"])],
    },
    Table {
        name: "v1_sync_runs",
        columns: &[
            column("sync_id", TEXT),
            column("started_at", TIME),
            column("ended_at", "datetime"),
            column("sync_token", TEXT),
            column("sync_type", "text not null default 'full'"),
            column("parent_sync_id", "text not null default ''"),
            column("linked_sync_id", "text not null default ''"),
            column("supports_diff", "integer not null default 0"),
            column("grants_backfilled", "integer not null default 0"),
            column("stats", "text"),
            column("ingest_invariant_generation", "text not null default ''"),
            column("ingest_invariant_coverage", "text not null default ''"),
            column("ingest_invariant_mode", "text not null default ''"),
        ],
        indexes: &[unique("idx_sync_runs_sync_id_v1", &["sync_id"])],
    },
    Table {
        name: "v1_connector_sessions",
        columns: &[
            column("sync_id", TEXT),
            column("key", TEXT),
            column("value", BLOB),
        ],
        indexes: &[unique("idx_session_store_sync_key_v1", &["sync_id", "key"])],
    },
];

/// The SQL expression for a column: its name, or its default if the table of an older file, of which `known` are the columns, lacks it
/// (docs/reference/c1z.md §2.5).
pub(crate) fn column_or_default(known: &[String], column: &'static str) -> &'static str {
    if known.iter().any(|name| name == column) {
        return column;
    }
    match column {
        "needs_expansion" | "supports_diff" | "grants_backfilled" => "0",
        "sync_type" => "'full'",
        "expansion" | "stats" | "ended_at" | "parent_resource_type_id" | "parent_resource_id" => "null",
        _ => "''",
    }
}

/// Number of b-trees in a database: one for each table and each index.
pub(crate) fn trees() -> usize {
    crate::v1::sqlite::trees(&TABLES)
}
