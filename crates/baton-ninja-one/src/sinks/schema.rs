//! The JSON Schemas of sinks in a config file.

use sink_csv::{Compression, Delimiter};
use sink_parquet::Codec;

/// The JSON Schemas of the sinks in a config file, one for each type.
pub(crate) fn sink_schemas() -> Vec<serde_json::Value> {
    use serde_json::json;

    let schema = |kind: &str, required: &[&str], properties: serde_json::Value| {
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        schema["properties"]["kind"] = json!({ "const": kind });
        schema
    };
    let location = json!({ "type": "string", "description": "A folder, or an s3://, gs:// or az:// URL" });
    let flag =
        |default: bool, what: &str| json!({ "type": "boolean", "default": default, "description": what });
    vec![
        schema(
            "c1z",
            &["kind"],
            json!({ "path": { "type": "string", "description": "A file, or a URL in a bucket. Default: the setting `file`" } }),
        ),
        schema(
            "html",
            &["kind", "path"],
            json!({ "path": { "type": "string", "description": "The report, an .html file" } }),
        ),
        schema(
            "parquet",
            &["kind", "url"],
            json!({ "url": location, "compression": { "enum": Codec::WORDS } }),
        ),
        schema(
            "csv",
            &["kind", "url"],
            json!({
                "url": location,
                "compression": { "enum": Compression::WORDS },
                "delimiter": { "enum": Delimiter::WORDS },
                "bom": flag(false, "Begin each file with a byte order mark"),
                "sep": flag(false, "Begin each file with the line `sep=`"),
                "spreadsheet_safe": flag(true, "Put an apostrophe before texts that a spreadsheet would treat as a formula"),
            }),
        ),
    ]
}
