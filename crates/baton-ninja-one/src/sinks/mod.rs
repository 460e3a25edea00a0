//! The kinds of sinks: how each is named in `--sink KIND=TARGET` and in `[[sinks]]`, and how it is opened. A new kind is a file
//! beside this one and a line in [`KINDS`].

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

/// The kind of a name.
///
/// # Errors
/// That there is none.
pub(crate) fn find(name: &str) -> Result<&'static dyn SinkKind, String> {
    let kind = KINDS.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| {
        format!(
            "`{name}` is not a kind of sink; write KIND=TARGET with {}",
            names()
        )
    })
}

/// The names of all kinds, as people read them.
pub(crate) fn names() -> String {
    KINDS.map(SinkKind::name).join(", ")
}
