//! The note of a writer about its sync, in the sync's token. The token is a checkpoint, which readers of finished syncs ignore
//! (docs/reference/c1z.md §5.3). It has the version of baton-sdk's checkpoints and nothing but the note, so that baton-sdk would
//! see a sync with nothing left to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum size of a token with a note.
const MAX_TOKEN_BYTES: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Token<N> {
    version: u8,
    writer_note: N,
}

/// The parts of a note that readers need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SyncNote {
    /// The tenant that was read.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The id scheme of the sync.
    #[serde(default)]
    pub id_scheme: Option<String>,
    /// The client id that read the tenant.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Some users of the tenant: ids and hashes.
    #[serde(default)]
    pub user_sample: BTreeMap<String, String>,
}

/// Encodes a note as a token.
pub(crate) fn token(note: &Value) -> String {
    let token = Token {
        version: 1,
        writer_note: note,
    };
    serde_json::to_string(&token).unwrap_or_default()
}

/// Parses the note in a token, if it has one.
pub(crate) fn parse(token: &str) -> Option<SyncNote> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let token: Token<SyncNote> = serde_json::from_str(token).ok()?;
    Some(token.writer_note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_survive_a_round_trip() {
        let note =
            serde_json::json!({"tenant": "https://eu.example.com", "id_scheme": "numeric", "more": [1]});
        let token = token(&note);
        assert!(token.starts_with(r#"{"version":1,"writer_note":{"#), "{token}");
        let parsed = parse(&token).unwrap();
        assert_eq!(parsed.tenant.as_deref(), Some("https://eu.example.com"));
        assert_eq!(parsed.id_scheme.as_deref(), Some("numeric"));
        for other in [
            "",
            "{}",
            r#"{"current_action_id":15,"needs_expansion":true,"ingest_quality":{},"version":1}"#,
            r#"{"version":1,"writer_note":7}"#,
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
