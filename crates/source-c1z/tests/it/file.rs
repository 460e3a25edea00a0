//! c1z files written row by row, with whatever schema a test needs.

use std::io::Write;
use std::path::{Path, PathBuf};

use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use rusqlite::{Connection, params};
use source_c1z::{C1zSource, C1zSourceConfig, C1zSourceError, Limits, UnknownTenant};
use tempfile::TempDir;

/// The id of the sync that rows belong to.
pub(crate) const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000001";

/// The tables as the first connectors created them, with the base columns only (docs/reference/c1z.md §2.5).
const OLD: &str = "
    create table v1_resource_types (id integer primary key, external_id text not null, data blob not null,
        sync_id text not null, discovered_at datetime not null);
    create table v1_resources (id integer primary key, resource_type_id text not null, external_id text not null,
        parent_resource_type_id text, parent_resource_id text, data blob not null, sync_id text not null,
        discovered_at datetime not null);
    create table v1_entitlements (id integer primary key, resource_type_id text not null, resource_id text not null,
        external_id text not null, data blob not null, sync_id text not null, discovered_at datetime not null);
    create table v1_grants (id integer primary key, resource_type_id text not null, resource_id text not null,
        entitlement_id text not null, principal_resource_type_id text not null, principal_resource_id text not null,
        external_id text not null, data blob not null, sync_id text not null, discovered_at datetime not null);
    create table v1_sync_runs (id integer primary key, sync_id text not null, started_at datetime not null,
        ended_at datetime, sync_token text not null);";

/// What came later.
const NEW: &str = "
    alter table v1_grants add column expansion blob;
    alter table v1_grants add column needs_expansion integer not null default 0;
    alter table v1_sync_runs add column sync_type text not null default 'full';
    alter table v1_sync_runs add column grants_backfilled integer not null default 1;
    create index idx_grants_entitlement_id_principal_id_v1 on v1_grants
        (entitlement_id, principal_resource_type_id, principal_resource_id);
    create index idx_grants_sync_needs_expansion_v1 on v1_grants (sync_id) where needs_expansion = 1;";

/// A file in the making.
pub(crate) struct TestFile {
    pub(crate) connection: Connection,
    pub(crate) folder: TempDir,
    old: bool,
}

impl TestFile {
    /// Without any sync.
    pub(crate) fn empty() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(OLD).unwrap();
        connection.execute_batch(NEW).unwrap();
        Self {
            connection,
            folder: tempfile::tempdir().unwrap(),
            old: false,
        }
    }

    /// With a finished full sync.
    pub(crate) fn new() -> Self {
        let file = Self::empty();
        file.sync(SYNC, "full", Some("2026-11-24 12:00:07.25"));
        file
    }

    /// With a finished sync and nothing that came later.
    pub(crate) fn old() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(OLD).unwrap();
        let sql = "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token) values (?, ?, ?, '')";
        let times = ("2026-11-24 12:00:00", "2026-11-24 12:00:07");
        connection.execute(sql, params![SYNC, times.0, times.1]).unwrap();
        Self {
            connection,
            folder: tempfile::tempdir().unwrap(),
            old: true,
        }
    }

    pub(crate) fn sync(&self, id: &str, sync_type: &str, ended_at: Option<&str>) {
        let sql = "insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, sync_type) \
                   values (?, '2026-11-24 12:00:00', ?, '', ?)";
        self.connection
            .execute(sql, params![id, ended_at, sync_type])
            .unwrap();
    }

    pub(crate) fn resource_type(&self, id: &str, traits: &[v2::resource_type::Trait]) {
        let message = v2::ResourceType {
            id: id.to_owned(),
            display_name: id.to_uppercase(),
            traits: traits.iter().map(|declared| (*declared).into()).collect(),
            ..v2::ResourceType::default()
        };
        self.put_resource_type(&message);
    }

    pub(crate) fn put_resource_type(&self, message: &v2::ResourceType) {
        let sql = "insert into v1_resource_types (external_id, data, sync_id, discovered_at) values (?, ?, ?, '2026-11-24 12:00:01')";
        let data = message.encode_to_vec();
        self.connection
            .execute(sql, params![message.id, data, SYNC])
            .unwrap();
    }

    pub(crate) fn resource(&self, resource_type: &str, id: &str) {
        self.put_resource(&resource(resource_type, id));
    }

    pub(crate) fn put_resource(&self, message: &v2::Resource) {
        let sql = "insert into v1_resources (resource_type_id, external_id, data, sync_id, discovered_at) \
                   values (?, ?, ?, ?, '2026-11-24 12:00:01')";
        let id = message.id.clone().unwrap_or_default();
        let name = format!("{}:{}", id.resource_type, id.resource);
        let data = message.encode_to_vec();
        self.connection
            .execute(sql, params![id.resource_type, name, data, SYNC])
            .unwrap();
    }

    /// An entitlement with the usual form of id.
    pub(crate) fn entitlement(&self, resource_type: &str, id: &str, slug: &str) {
        self.put_entitlement(&v2::Entitlement {
            resource: Some(resource(resource_type, id)),
            id: format!("{resource_type}:{id}:{slug}"),
            display_name: slug.to_owned(),
            slug: slug.to_owned(),
            ..v2::Entitlement::default()
        });
    }

    pub(crate) fn put_entitlement(&self, message: &v2::Entitlement) {
        let sql = "insert into v1_entitlements (resource_type_id, resource_id, external_id, data, sync_id, \
                   discovered_at) values (?, ?, ?, ?, ?, '2026-11-24 12:00:01')";
        let id = message
            .resource
            .clone()
            .and_then(|resource| resource.id)
            .unwrap_or_default();
        let data = message.encode_to_vec();
        self.connection
            .execute(
                sql,
                params![id.resource_type, id.resource, message.id, data, SYNC],
            )
            .unwrap();
    }

    /// A grant with the usual form of id.
    pub(crate) fn grant(&self, entitlement: &str, principal_type: &str, principal: &str) {
        self.put_grant(&TestGrant::new(entitlement, principal_type, principal));
    }

    pub(crate) fn put_grant(&self, grant: &TestGrant) {
        let mut message = v2::Grant {
            id: grant.id.clone(),
            ..v2::Grant::default()
        };
        if !grant.sources.is_empty() {
            let source =
                |source: &String| (source.clone(), v2::grant_sources::GrantSource { is_direct: true });
            message.sources = Some(v2::GrantSources {
                sources: grant.sources.iter().map(source).collect(),
            });
        }
        if let (Some(expansion), true) = (&grant.expansion, self.old) {
            message.annotations.push(baton_proto::pack(expansion));
        }
        let sql = "insert into v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id, \
                   principal_resource_id, external_id, data, sync_id, discovered_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, '2026-11-24 12:00:01')";
        let mut parts = grant.entitlement.split(':');
        let row = params![
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            grant.entitlement,
            grant.principal_type,
            grant.principal,
            grant.id,
            message.encode_to_vec(),
            SYNC,
        ];
        self.connection.execute(sql, row).unwrap();
        if let (Some(expansion), false) = (&grant.expansion, self.old) {
            let sql =
                "update v1_grants set expansion = ?, needs_expansion = 1 where id = last_insert_rowid()";
            self.connection
                .execute(sql, params![expansion.encode_to_vec()])
                .unwrap();
        }
    }

    /// Packs the file.
    pub(crate) fn seal(&self) -> PathBuf {
        let database = self.folder.path().join("database");
        let _ = std::fs::remove_file(&database);
        self.connection
            .execute("vacuum into ?", [database.to_str().unwrap()])
            .unwrap();
        let path = self.folder.path().join("sync.c1z");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"C1ZF\0").unwrap();
        zstd::stream::copy_encode(std::fs::File::open(&database).unwrap(), file, 1).unwrap();
        std::fs::remove_file(database).unwrap();
        path
    }

    pub(crate) fn open(&self, sync: Option<&str>) -> Result<C1zSource, C1zSourceError> {
        open(&self.seal(), self.folder.path(), sync)
    }
}

pub(crate) fn open(path: &Path, temp_folder: &Path, sync: Option<&str>) -> Result<C1zSource, C1zSourceError> {
    C1zSource::open(C1zSourceConfig {
        path: path.to_owned(),
        temp_folder: temp_folder.to_owned(),
        limits: Limits::default(),
        sync: sync.map(str::to_owned),
        tenant: Some("https://tenant.example".to_owned()),
        unknown_tenant: UnknownTenant::Refuse,
    })
}

/// A grant in the making.
#[derive(Debug, Clone)]
pub(crate) struct TestGrant {
    pub(crate) id: String,
    pub(crate) entitlement: String,
    pub(crate) principal_type: String,
    pub(crate) principal: String,
    pub(crate) sources: Vec<String>,
    pub(crate) expansion: Option<v2::GrantExpandable>,
}

impl TestGrant {
    pub(crate) fn new(entitlement: &str, principal_type: &str, principal: &str) -> Self {
        Self {
            id: format!("{entitlement}:{principal_type}:{principal}"),
            entitlement: entitlement.to_owned(),
            principal_type: principal_type.to_owned(),
            principal: principal.to_owned(),
            sources: Vec::new(),
            expansion: None,
        }
    }
}

pub(crate) fn resource(resource_type: &str, id: &str) -> v2::Resource {
    v2::Resource {
        id: Some(v2::ResourceId {
            resource_type: resource_type.to_owned(),
            resource: id.to_owned(),
            baton_resource: false,
        }),
        display_name: id.to_owned(),
        ..v2::Resource::default()
    }
}
