//! config/systemd.

use std::collections::BTreeSet;

use super::{assert_arguments, files, is_variable, read, syncs_with};
use crate::harness::{split_words, workspace};

/// Where the documents put the program.
const INSTALLED: &str = "/usr/local/bin/baton-ninja-one";

/// Hardening options that both services must have.
const HARDENED: [(&str, &str); 27] = [
    ("DynamicUser", "yes"),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("ProtectProc", "invisible"),
    ("ProcSubset", "pid"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectControlGroups", "yes"),
    ("PrivateDevices", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateUsers", "yes"),
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", "~@privileged @resources"),
    ("UMask", "0077"),
    ("LimitCORE", "0"),
];

/// Section, key and value of every line, in order.
struct Unit {
    path: String,
    lines: Vec<(String, String, String)>,
}

impl Unit {
    fn read(path: &str) -> Self {
        let (mut section, mut lines) = (String::new(), Vec::new());
        for line in read(path).lines() {
            let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(name) = name {
                name.clone_into(&mut section);
            } else if !line.is_empty() && !line.starts_with('#') {
                let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{path}: {line}"));
                lines.push((section.clone(), key.to_owned(), value.to_owned()));
            }
        }
        let path = path.to_owned();
        Self { path, lines }
    }

    fn all(&self, section: &str, key: &str) -> Vec<&str> {
        self.lines
            .iter()
            .filter(|(at, name, _)| at == section && name == key)
            .map(|(_, _, value)| value.as_str())
            .collect()
    }

    fn one(&self, section: &str, key: &str) -> &str {
        let found = self.all(section, key);
        assert_eq!(found.len(), 1, "{}: {key}", self.path);
        found[0]
    }

    /// What the environment will be, the example of the file that is read first included.
    fn environment(&self) -> Vec<(String, String)> {
        let file = self.one("Service", "EnvironmentFile");
        let example = file.strip_prefix("/etc/baton-ninja-one/").unwrap();
        let text = read(format!("config/systemd/{example}"));
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .chain(self.all("Service", "Environment"))
            .map(|line| {
                let (name, value) = line.split_once('=').unwrap();
                (name.to_owned(), split_words(value).join(" "))
            })
            .collect()
    }
}

fn services() -> Vec<Unit> {
    let services: Vec<Unit> = files("systemd", "service")
        .iter()
        .map(|path| Unit::read(path))
        .collect();
    assert_eq!(services.len(), 2);
    services
}

#[test]
fn keys_appear_once_unless_repeatable() {
    let several = ["Environment", "LoadCredential", "SystemCallFilter"];
    let timers = files("systemd", "timer");
    for unit in services()
        .into_iter()
        .chain(timers.iter().map(|path| Unit::read(path)))
    {
        let mut seen = BTreeSet::new();
        for (section, key, value) in &unit.lines {
            assert!(
                ["Unit", "Service", "Timer", "Install"].contains(&section.as_str()),
                "{section}"
            );
            let new = seen.insert((section, key));
            assert!(
                new || several.contains(&key.as_str()),
                "{}: {key}={value}",
                unit.path
            );
        }
    }
}

#[test]
fn services_are_hardened() {
    for unit in services() {
        for (key, value) in HARDENED {
            let values = unit.all("Service", key);
            assert!(values.contains(&value), "{}: {key}={value}", unit.path);
        }
        let families = unit.one("Service", "RestrictAddressFamilies");
        assert_eq!(families, "AF_INET AF_INET6 AF_UNIX", "{}", unit.path);
        for key in ["User", "Group", "ReadWritePaths", "BindPaths"] {
            assert!(unit.all("Service", key).is_empty(), "{}: {key}", unit.path);
        }
    }
}

#[test]
fn every_variable_and_flag_is_one_of_the_program() {
    for unit in services() {
        for (name, _) in unit.environment() {
            assert!(is_variable(&name), "{}: {name}", unit.path);
        }
        let words = split_words(unit.one("Service", "ExecStart"));
        assert_eq!(words[0], INSTALLED);
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        assert_arguments(&unit.path, &arguments);
    }
    assert!(read("docs/guides/deploy.md").contains(INSTALLED));
}

#[test]
fn secrets_come_as_credentials_only() {
    for unit in services() {
        let loaded: BTreeSet<String> = unit
            .all("Service", "LoadCredential")
            .into_iter()
            .map(|credential| {
                let (id, path) = credential.split_once(':').unwrap();
                assert_eq!(path, format!("/etc/baton-ninja-one/{id}"), "{}", unit.path);
                // The document describes how to create the file.
                assert!(read("docs/guides/deploy.md").contains(path), "{path}");
                id.to_owned()
            })
            .collect();
        let environment = unit.environment();
        let used: BTreeSet<String> = environment
            .iter()
            .filter(|(name, _)| name.ends_with("_SECRET_FILE"))
            .map(|(_, value)| value.strip_prefix("%d/").unwrap().to_owned())
            .collect();
        assert_eq!(used, loaded, "{}", unit.path);
        assert!(
            !environment.iter().any(|(name, _)| name.ends_with("_SECRET")),
            "{}",
            unit.path
        );
    }
}

#[test]
fn temporary_files_are_private_and_on_disk() {
    for unit in services() {
        let environment = unit.environment();
        let temporary = environment
            .iter()
            .find(|(name, _)| name == "BATON_TMPDIR")
            .unwrap();
        assert_eq!(temporary.1, "/var/tmp", "{}", unit.path);
    }
}

#[test]
fn the_service_and_the_feed_have_their_settings() {
    for unit in services() {
        let environment = unit.environment();
        let has = |name: &str| environment.iter().any(|(known, _)| known == name);
        let service = unit.path.ends_with("/baton-ninja-one.service");
        assert_eq!(has("BATON_CLIENT_ID"), service, "{}", unit.path);
        assert_eq!(has("BATON_PROVISIONING"), service, "{}", unit.path);
        assert_eq!(has("BATON_SINK"), !service, "{}", unit.path);
        if service {
            assert!(environment.contains(&("BATON_PROVISIONING".to_owned(), "false".to_owned())));
            assert_eq!(unit.one("Service", "Restart"), "always");
            assert_eq!(unit.one("Service", "SuccessExitStatus"), "1");
            continue;
        }
        assert_eq!(unit.one("Service", "Type"), "oneshot");
        let folder = unit.one("Service", "StateDirectory");
        assert_eq!(
            unit.one("Service", "WorkingDirectory"),
            format!("/var/lib/{folder}")
        );
        let words = split_words(unit.one("Service", "ExecStart"));
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        syncs_with(&unit.path, &environment, &arguments);
    }
}

#[test]
fn the_timer_starts_an_existing_unit() {
    for path in files("systemd", "timer") {
        let timer = Unit::read(&path);
        let unit = timer.one("Timer", "Unit");
        assert!(
            workspace().join("config/systemd").join(unit).exists(),
            "{path}: {unit}"
        );
        assert_eq!(timer.one("Install", "WantedBy"), "timers.target");
        assert!(!timer.one("Timer", "OnCalendar").is_empty());
    }
}
