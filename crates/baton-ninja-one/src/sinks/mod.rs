//! The kinds of sinks, with their syntax in `--sink KIND=TARGET` and `[[sinks]]`. A new kind needs a file beside this one
//! and an entry in [`KINDS`].

mod c1z;
mod csv;
mod dataset;
mod html;
mod keys;
mod kind;
mod parquet;
mod schema;

pub(crate) use c1z::C1zConfig;
pub(crate) use keys::SinkKeys;
pub(crate) use kind::{NamedSink, SinkConfig, SinkKind, SinkOptions};
pub(crate) use schema::sink_schemas;

/// All kinds.
pub(crate) static KINDS: [&dyn SinkKind; 4] = [&c1z::C1z, &parquet::Parquet, &csv::Csv, &html::Html];

/// Finds a kind by name.
///
/// # Errors
/// There is no such kind.
pub(crate) fn find(name: &str) -> Result<&'static dyn SinkKind, String> {
    let kind = KINDS.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| {
        format!(
            "`{name}` is not a kind of sink; write KIND=TARGET with {}",
            names()
        )
    })
}

/// The names of all kinds, for messages.
pub(crate) fn names() -> String {
    KINDS.map(SinkKind::name).join(", ")
}
