//! The config file that `init` writes.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use access_core::StatusCode;
use serde_json::Value;

use crate::failure::Failure;

/// The settings in the file.
pub(super) struct Values<'a> {
    pub(super) address: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    /// OAuth scopes, if given.
    pub(super) scope: Option<String>,
}

/// What happens to an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

/// Writes the file, readable only by its owner. An existing file is replaced atomically; a new one is never written through
/// a link.
pub(super) fn write(path: &Path, values: &Values<'_>, existing: Existing) -> Result<(), Failure> {
    let toml = path.extension().is_some_and(|ending| ending == "toml");
    let text = text(values, toml);
    let written = match existing {
        Existing::Refuse => create(path, &text),
        Existing::Replace => replace(path, &text),
    };
    written.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return exists(path);
        }
        Failure::new(
            format!("cannot write {}: {error}", path.display()),
            Some("name a file in a folder that you may write to".to_owned()),
            StatusCode::InvalidArgument,
        )
    })
}

/// The failure for an existing file that may not be replaced.
pub(super) fn exists(path: &Path) -> Failure {
    Failure::new(
        format!("{} exists and was not replaced", path.display()),
        Some("use --replace to replace it, or name another file".to_owned()),
        StatusCode::AlreadyExists,
    )
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Temporary files are readable only by their owner.
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn text(values: &Values<'_>, toml: bool) -> String {
    let sign = if toml { " =" } else { ":" };
    // A JSON string is a valid YAML and TOML string.
    let line = |name: &str, value: &str| format!("{name}{sign} {}\n", Value::from(value));
    let mut text = String::from(
        "# Settings of baton-ninja-one, written by `baton-ninja-one init`. This file holds a secret: keep it out of version\n\
         # control. Flags and BATON_* variables win over it. All settings: baton-ninja-one help settings\n\n\
         # The address at which you open NinjaOne.\n",
    );
    text += &line("ninja-one-base-url", values.address);
    text += "\n# The API client app: Administration > Apps > API > Client App IDs.\n";
    text += &line("ninja-one-client-id", values.client_id);
    text += &line("ninja-one-client-secret", values.client_secret);
    text += "\n# OAuth scopes to request. By default NinjaOne grants all scopes of the app; a sync needs these two.\n";
    if values.scope.is_none() {
        text += "# ";
    }
    let scope = values.scope.as_deref().unwrap_or("monitoring management");
    text += &line("ninja-one-scope", scope);
    text += "\n# Where a sync goes; several in one pass. By default the c1z file at `file`.\n";
    text += "# ";
    text += &line("file", "sync.c1z");
    if toml {
        text += "# sink = [\"c1z=sync.c1z\", \"html=review.html\", \"parquet=access\"]\n";
    } else {
        text += "# sink:\n#   - c1z=sync.c1z\n#   - html=review.html\n#   - parquet=access\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values<'static> {
        Values {
            address: "https://eu.ninjarmm.com",
            client_id: "a\"b",
            client_secret: "s#e: c\\r'et",
            scope: None,
        }
    }

    #[test]
    fn config_file_as_yaml_and_toml() {
        insta::assert_snapshot!(text(&values(), false) + "---\n" + &text(&values(), true));
        let yaml: std::collections::BTreeMap<String, String> =
            serde_saphyr::from_str(&text(&values(), false)).unwrap();
        assert_eq!(yaml["ninja-one-client-secret"], "s#e: c\\r'et");
    }

    #[test]
    fn file_is_only_replaced_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".baton.yaml");
        write(&path, &values(), Existing::Refuse).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "mine").unwrap();
        assert!(write(&path, &values(), Existing::Refuse).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        write(&path, &values(), Existing::Replace).unwrap();
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("ninja-one-client-id")
        );
    }
}
