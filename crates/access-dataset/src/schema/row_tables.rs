//! The tables, column by column. Field ids are never reused and never change; new columns go to the end. The elements of a list
//! have an id of their own, after the slash, from the same counter: at first they come after the last column, as Iceberg numbers a
//! new table; a column that is added later takes the next free number. The two tables of users lack the numbers of the attributes
//! that an adapter declares ([`Contract`](super::Contract)).

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::attributes::AttributeColumns;
use super::column::{Boolean, Column, ColumnType, Dictionary, Int64, Json, Text, TextList, Time};
use super::table::Table;

/// Rows in a batch.
const BATCH_ROWS: usize = 8_192;
/// Bytes of texts in a batch, beyond which it has fewer rows. Ours have some 8 MB.
const BATCH_BYTES: usize = 16 << 20;

/// The columns that a table has whatever is declared, in their order.
pub(crate) const fn own_columns(dataset: Table) -> &'static [Column] {
    match dataset {
        Table::ResourceTypes => RESOURCE_TYPES,
        Table::Resources => RESOURCES,
        Table::Users => USERS,
        Table::Entitlements => ENTITLEMENTS,
        Table::Grants => GRANTS,
        Table::Syncs => SYNCS,
        Table::LeftOut => LEFT_OUT,
        Table::Changes => CHANGES,
        Table::GrantsHistory => GRANTS_HISTORY,
        Table::UsersHistory => USERS_HISTORY,
    }
}

/// Rows on their way into a batch.
pub(crate) trait RowTable {
    /// The table.
    const TABLE: Table;

    /// No rows yet. [`Contract::row_table`](super::Contract::row_table) has the schema and the attributes.
    fn new(schema: SchemaRef, attributes: AttributeColumns) -> Self;

    /// Whether it is time for a batch: at the end as soon as there are rows.
    fn is_due(&self, at_end: bool) -> bool;

    /// The rows since the last batch.
    ///
    /// # Errors
    /// If they do not fit the schema.
    fn batch(&mut self) -> Result<RecordBatch, ArrowError>;
}

macro_rules! table {
    (@element) => {
        None
    };
    (@element $element:literal) => {
        Some($element)
    };
    (
        $columns:ident, $dataset:ident, $row:ident, $table:ident:
        $($id:literal $(/ $element:literal)? $name:ident: $kind:ty = $about:literal;)*
    ) => {
        #[doc = concat!("Columns of `", stringify!($columns), "`.")]
        pub(super) const $columns: &[Column] = &[$(Column {
            field_id: $id,
            element_id: table!(@element $($element)?),
            name: stringify!($name),
            kind: <$kind as ColumnType>::KIND,
            nullable: <$kind as ColumnType>::NULLABLE,
            about: $about,
        }),*];

        /// One row.
        pub(crate) struct $row<'a> {
            $(pub(crate) $name: <$kind as ColumnType>::Value<'a>,)*
        }

        /// Rows on their way into a batch.
        pub(crate) struct $table {
            schema: SchemaRef,
            /// Declared attributes, of which every row has its own too.
            pub(crate) attributes: AttributeColumns,
            rows: usize,
            /// Bytes of texts since the last batch.
            text_bytes: usize,
            $($name: <$kind as ColumnType>::Builder,)*
        }

        impl $table {
            pub(crate) fn push(&mut self, row: $row<'_>) {
                self.rows += 1;
                self.text_bytes += [$(<$kind as ColumnType>::text_bytes(&row.$name)),*].iter().sum::<usize>();
                $(<$kind as ColumnType>::push(&mut self.$name, Some(row.$name));)*
            }
        }

        impl RowTable for $table {
            const TABLE: Table = Table::$dataset;

            fn new(schema: SchemaRef, attributes: AttributeColumns) -> Self {
                Self {
                    attributes,
                    schema,
                    rows: 0,
                    text_bytes: 0,
                    $($name: <$kind as ColumnType>::builder(table!(@element $($element)?)),)*
                }
            }

            fn is_due(&self, at_end: bool) -> bool {
                let is_full = self.rows >= BATCH_ROWS || self.text_bytes >= BATCH_BYTES;
                is_full || (at_end && self.rows > 0)
            }

            fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
                self.rows = 0;
                self.text_bytes = 0;
                let own = vec![$(<$kind as ColumnType>::finish(&mut self.$name)),*];
                RecordBatch::try_new(self.schema.clone(), self.attributes.between(own))
            }
        }
    };
}

/// A table with the columns that every row of a sync has.
macro_rules! sync_table {
    ($columns:ident, $dataset:ident, $row:ident, $table:ident: $($rest:tt)*) => {
        table! { $columns, $dataset, $row, $table:
            1 sync_id: Dictionary = "The sync, a KSUID; sort syncs by `synced_at`.";
            2 synced_at: Time = "When the sync began.";
            3 tenant: Dictionary = "The tenant, e.g. its base URL.";
            $($rest)*
        }
    };
}

/// A table that each sync writes again, with the columns that its rows have.
macro_rules! history_table {
    ($columns:ident, $dataset:ident, $row:ident, $table:ident: $($rest:tt)*) => {
        table! { $columns, $dataset, $row, $table:
            1 sync_id: Dictionary = "The sync that wrote this: use only the rows of the latest one.";
            2 synced_at: Time = "When that sync began.";
            3 tenant: Dictionary = "The tenant, e.g. its base URL.";
            $($rest)*
        }
    };
}

/// A table of users: the columns that every connector fills.
macro_rules! user_table {
    ($outer:ident, $columns:ident, $dataset:ident, $row:ident, $table:ident: $($rest:tt)*) => {
        $outer! { $columns, $dataset, $row, $table:
            4 resource_type_id: Dictionary = "The resource type of the principal, e.g. `user`.";
            5 user_id: Text = "The tenant's own id; `principal_id` in `grants`.";
            6 login: Option<Text> = "The name used to sign in.";
            7 email: Option<Text> = "The primary address.";
            8 display_name: Text = "The name for people.";
            9 first_name: Option<Text> = "First name.";
            10 last_name: Option<Text> = "Last name.";
            12 status: Option<Dictionary> = "`enabled`, `disabled`, `deleted` or `unspecified`.";
            13 status_detail: Option<Text> = "The tenant's own word for the status, e.g. `invitation PENDING`.";
            14 account_type: Dictionary = "`human`, `service`, `system` or `unspecified`.";
            18 mfa_enabled: Option<Boolean> = "Whether a second factor is set up; null if the tenant does not say.";
            19 sso_enabled: Option<Boolean> = "Whether sign-in goes through an identity provider; null if the tenant does not say.";
            $($rest)*
        }
    };
}

sync_table! { RESOURCE_TYPES, ResourceTypes, ResourceTypeRow, ResourceTypeTable:
    4 resource_type_id: Text = "The id of the type, e.g. `role`.";
    5 display_name: Text = "Its name for people.";
    6 trait_kind: Dictionary = "Its general type, the same for all connectors: `user`, `group`, `role`, `app`, `managed_device` or `other`.";
    7 skip_entitlements_and_grants: Boolean = "Whether its resources never have entitlements or grants of their own.";
    8 complete: Boolean = "Whether all of its data was read. Only then does a missing row mean a deletion.";
    9 incomplete_reason: Option<Text> = "Why it is not complete.";
    10 resources: Int64 = "Its resources in this sync.";
}

sync_table! { RESOURCES, Resources, ResourceRow, ResourceTable:
    4 resource_type_id: Dictionary = "Its resource type, see `resource_types`.";
    5 resource_id: Text = "The tenant's own id for it; unique within its type.";
    6 display_name: Text = "Its name for people.";
    7 description: Option<Text> = "What it is, in the tenant's words.";
    8 parent_type_id: Option<Dictionary> = "Type of the resource that it belongs to.";
    9 parent_id: Option<Text> = "Id of the resource that it belongs to.";
    10 status: Option<Dictionary> = "`enabled`, `disabled`, `deleted` or `unspecified`; null if the type has no status.";
    11 status_detail: Option<Text> = "The tenant's own word for the status.";
    12 profile: Option<Json> = "All attributes.";
}

user_table! { sync_table, USERS, Users, UserRow, UserTable:
    29 / 31 role_names: TextList = "Names of the roles held, sorted; empty if none.";
    30 profile: Option<Json> = "All attributes.";
}

sync_table! { ENTITLEMENTS, Entitlements, EntitlementRow, EntitlementTable:
    4 entitlement_id: Text = "Its id: resource type, resource and slug.";
    5 resource_type_id: Dictionary = "Type of the resource that it is held on.";
    6 resource_id: Text = "Id of the resource that it is held on.";
    7 resource_display_name: Text = "Name of the resource that it is held on.";
    8 slug: Dictionary = "Which of the resource's entitlements it is, e.g. `assigned`.";
    9 display_name: Text = "Its name for people.";
    10 description: Option<Text> = "What holding it means.";
    11 purpose: Dictionary = "`assignment`, `permission`, `ownership` or `unspecified`.";
    12 / 15 grantable_to: TextList = "Resource types of the principals that can hold it.";
    13 immutable: Boolean = "Whether no connector can grant or revoke it.";
    14 grants: Int64 = "How many principals hold it in this sync.";
}

sync_table! { GRANTS, Grants, GrantRow, GrantTable:
    4 grant_id: Text = "Its id.";
    5 entitlement_id: Dictionary = "What is held, see `entitlements`.";
    6 entitlement_slug: Dictionary = "Which of the resource's entitlements it is, e.g. `assigned`.";
    7 entitlement_display_name: Dictionary = "The entitlement's name for people.";
    8 resource_type_id: Dictionary = "Type of the resource that it is held on.";
    9 resource_id: Dictionary = "Id of the resource that it is held on.";
    10 resource_display_name: Dictionary = "Name of the resource that it is held on.";
    11 principal_type_id: Dictionary = "Resource type of the holder.";
    12 principal_id: Text = "Id of the holder; `user_id` in `users`.";
    13 principal_login: Option<Text> = "The holder's login, if it is a user that has one.";
    14 principal_display_name: Text = "The holder's name.";
    15 immutable: Boolean = "Whether no connector can revoke it.";
    16 is_direct: Boolean = "Whether the principal itself holds it, not only through another entitlement.";
    17 / 18 sources: TextList = "Entitlements through which it is held; empty for a plain direct grant.";
}

table! { SYNCS, Syncs, SyncRow, SyncTable:
    1 sync_id: Text = "The sync, a KSUID; sort syncs by `synced_at`.";
    2 synced_at: Time = "When the sync began.";
    3 tenant: Text = "The tenant, e.g. its base URL.";
    4 sync_type: Dictionary = "`full`, `resources_only` or `partial`. Only in a full sync does a missing row mean a deletion.";
    5 ended_at: Time = "When the last row was read.";
    6 schema_version: Int64 = "Version of this contract.";
    7 resource_types: Int64 = "Rows of `resource_types`.";
    8 resources: Int64 = "Rows of `resources`.";
    9 users: Int64 = "Rows of `users`.";
    10 entitlements: Int64 = "Rows of `entitlements`.";
    11 grants: Int64 = "Rows of `grants`.";
    12 rows_dropped: Int64 = "Rows of the tenant that are in no table, see `ledger`.";
    13 / 15 incomplete_types: TextList = "Resource types whose data was not read completely; empty if all were.";
    14 ledger: Json = "Where every row went, by kind and type.";
}

sync_table! { LEFT_OUT, LeftOut, LeftOutRow, LeftOutTable:
    4 number: Int64 = "Its number among the rows that the sync left out, from 1.";
    5 kind: Option<Dictionary> = "What the row would have been: `resource_type`, `resource`, `entitlement` or `grant`; null in the row that counts the rest.";
    6 resource_type_id: Option<Dictionary> = "Type of the resource that it would have been, or on which something would have been held; null in the row that counts the rest.";
    7 reason: Dictionary = "Why it is in no other table: `unknown_principal` (its holder is in no list), `unusable_id`, `wrong_shape`, `duplicate` and others; `not_listed` in the row that counts the rest.";
    8 resource_id: Option<Text> = "Id of the resource, or of the one on which something would have been held, if the tenant gave one.";
    9 resource_name: Option<Text> = "Name of that resource, if it is known.";
    10 entitlement_id: Option<Text> = "What would have been held; only of a grant.";
    11 principal_type_id: Option<Dictionary> = "Resource type of the holder that it would have had; only of a grant.";
    12 principal_id: Option<Text> = "Id of the holder that it would have had; only of a grant.";
    13 words: Option<Text> = "What the tenant says of it, e.g. `Pat Departed <pat@example.net>`; at most 256 bytes.";
    14 count: Int64 = "How many rows this row stands for: 1, or the rest.";
}

table! { CHANGES, Changes, ChangeRow, ChangeTable:
    1 sync_id: Dictionary = "The sync that showed it.";
    2 synced_at: Time = "When that sync began.";
    3 tenant: Dictionary = "The tenant, e.g. its base URL.";
    4 number: Int64 = "Its number among the changes of the sync, from 1.";
    5 previous_sync_id: Dictionary = "The sync that it was compared with: the one before.";
    6 previous_synced_at: Time = "When that one began.";
    7 subject: Dictionary = "`user`, `resource` (other than users), `entitlement` or `grant`.";
    8 kind: Dictionary = "`added`, `removed` or `changed`.";
    9 resource_type_id: Dictionary = "Type of the resource that it is, or that it is held on.";
    10 resource_id: Option<Text> = "Id of the user or resource; null for the others.";
    11 entitlement_id: Option<Dictionary> = "The entitlement, also that of a grant.";
    12 principal_type_id: Option<Dictionary> = "Resource type of the holder; only of a grant.";
    13 principal_id: Option<Text> = "Id of the holder; only of a grant.";
    14 display_name: Option<Text> = "Name of the user, resource or entitlement, for people.";
    15 resource_display_name: Option<Text> = "Name of the resource on which it is held.";
    16 principal_display_name: Option<Text> = "Name of the holder.";
    17 / 20 fields: TextList = "The fields that differ, attributes of the profile as `profile.NAME`; for additions and removals, all fields that are set.";
    18 old_values: Option<Json> = "What they were; null if it was added.";
    19 new_values: Option<Json> = "What they are; null if it was removed.";
}

history_table! { GRANTS_HISTORY, GrantsHistory, GrantHistoryRow, GrantHistoryTable:
    4 entitlement_id: Dictionary = "What is held, see `entitlements`.";
    5 entitlement_slug: Dictionary = "Which of the resource's entitlements it is, e.g. `assigned`.";
    6 entitlement_display_name: Dictionary = "The entitlement's name when it was last seen.";
    7 resource_type_id: Dictionary = "Type of the resource that it is held on.";
    8 resource_id: Dictionary = "Id of the resource that it is held on.";
    9 resource_display_name: Dictionary = "Name of the resource when it was last seen.";
    10 principal_type_id: Dictionary = "Resource type of the holder.";
    11 principal_id: Text = "Id of the holder; `user_id` in `users_history`.";
    12 principal_login: Option<Text> = "The holder's login when it was last seen.";
    13 principal_display_name: Text = "The holder's name when it was last seen.";
    14 is_direct: Boolean = "Whether the principal itself holds it, not only through another entitlement.";
    15 / 23 sources: TextList = "Entitlements through which it is held; empty for a plain direct grant.";
    16 valid_from: Time = "When the first sync began that observed these values.";
    17 valid_to: Option<Time> = "When the first sync began that no longer observed them; null while they are current.";
    18 is_current: Boolean = "Whether the latest sync observed these values.";
    19 first_sync_id: Dictionary = "The first sync that observed these values.";
    20 last_sync_id: Dictionary = "The last sync that observed these values.";
    21 closed_by_sync_id: Option<Dictionary> = "The first sync that no longer observed them; null while they are current.";
    22 closed_because: Option<Dictionary> = "`changed`: another row has the new values; `revoked`: the holder and the entitlement still exist; `principal_removed`, `entitlement_removed`: they do not; null while it is held.";
}

user_table! { history_table, USERS_HISTORY, UsersHistory, UserHistoryRow, UserHistoryTable:
    28 profile: Option<Json> = "All attributes.";
    29 valid_from: Time = "When the first sync began that observed these values.";
    30 valid_to: Option<Time> = "When the first sync began that no longer observed them; null while they are current.";
    31 is_current: Boolean = "Whether the latest sync observed these values.";
    32 first_sync_id: Dictionary = "The first sync that observed these values.";
    33 last_sync_id: Dictionary = "The last sync that observed these values.";
    34 closed_by_sync_id: Option<Dictionary> = "The first sync that no longer observed them; null while they are current.";
    35 closed_because: Option<Dictionary> = "`changed`: another row has the new values; `removed`: the user no longer exists; null while the values are current.";
}
