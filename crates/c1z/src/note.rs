//! What the writer of a sync notes about it, in the sync's token: a checkpoint that readers of finished syncs do not look at
//! (docs/reference/c1z.md §5.3). Its version is that of an SDK's own checkpoints, and nothing but the note is in it, so that an
//! SDK that does look sees a sync with nothing left to do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Larger tokens are nobody's note.
const MAX_TOKEN_BYTES: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Token<N> {
    version: u8,
    writer_note: N,
}

/// What readers of a note need of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SyncNote {
    /// The tenant that was read.
    #[serde(default)]
    pub tenant: Option<String>,
    /// How the ids of the sync are made.
    #[serde(default)]
    pub id_scheme: Option<String>,
}

/// The token with a note in it.
pub(crate) fn token(note: &Value) -> String {
    let token = Token {
        version: 1,
        writer_note: note,
    };
    serde_json::to_string(&token).unwrap_or_default()
}

/// The note in a token, if that has one.
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
    fn a_note_comes_back_and_other_tokens_have_none() {
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
