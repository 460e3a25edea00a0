//! One test's folder, tenant and program.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ninjaone_sim::{Fault, FaultSchedule, Sim, SimConfig, Tenant, When};
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_baton-ninja-one");
/// Unlike any other text, so that a leak is found.
pub(crate) const SECRET: &str = "s3cr3t-do-not-print";

/// The folder of one test, and its tenant if it has one.
pub(crate) struct TestContext {
    pub(crate) folder: TempDir,
    pub(crate) sim: Option<Sim>,
    pub(crate) base_url: Option<String>,
}

/// The result of a run of the program.
pub(crate) struct RunOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestContext {
    /// Without a tenant.
    pub(crate) fn bare() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            sim: None,
            base_url: None,
        }
    }

    /// With the fixture tenant, healthy.
    pub(crate) fn msp() -> Self {
        Self::with(&SimConfig::new(Tenant::fixture("msp").unwrap()))
    }

    /// With the fixture tenant and something wrong at a path.
    pub(crate) fn faulty(path: &str, when: When, fault: Fault) -> Self {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.faults = FaultSchedule::at(path, when, fault);
        Self::with(&config)
    }

    pub(crate) fn with(config: &SimConfig) -> Self {
        let mut config = config.clone();
        if config.app.client_secret == "sim-secret" {
            SECRET.clone_into(&mut config.app.client_secret);
        }
        let sim = Sim::start(&config).unwrap();
        let base_url = Some(sim.base_url());
        Self {
            folder: tempfile::tempdir().unwrap(),
            sim: Some(sim),
            base_url,
        }
    }

    /// Replaces the tenant by another state of it at the same address, so that its locations accept the new syncs.
    pub(crate) fn on_another_day(self, config: &SimConfig) -> Self {
        let address = self.base_url.clone().unwrap();
        drop(self);
        let mut config = config.clone();
        config.listen = address.trim_start_matches("http://").parse().unwrap();
        Self::with(&config)
    }

    /// Another tenant at the same address, with the files of this one.
    pub(crate) fn with_tenant_at_this_address(self, config: &SimConfig) -> Self {
        let address = self.base_url.clone().unwrap();
        let Self { folder, sim, .. } = self;
        drop(sim);
        let mut config = config.clone();
        config.listen = address.trim_start_matches("http://").parse().unwrap();
        Self {
            folder,
            ..Self::with(&config)
        }
    }

    pub(crate) fn sim(&self) -> &Sim {
        self.sim.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, pointed at the tenant, in the test's folder, with nothing else in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.temp());
        command.stdin(Stdio::null());
        if let Some(base_url) = &self.base_url {
            command.env("BATON_NINJA_ONE_BASE_URL", base_url);
            command.env("BATON_NINJA_ONE_CLIENT_ID", "sim-client");
            command.env("BATON_NINJA_ONE_CLIENT_SECRET", SECRET);
            command.env("BATON_NINJA_ONE_RETRY_SECONDS", "3");
        }
        command
    }

    /// A separate folder for temporary files, so that leftovers are found.
    fn temp(&self) -> PathBuf {
        let temp = self.folder.path().join("tmp");
        fs::create_dir_all(&temp).unwrap();
        temp
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> RunOutput {
        self.finish(&mut self.command(arguments))
    }

    /// Runs a command. It must not print the secret and must leave no temporary files.
    pub(crate) fn finish(&self, command: &mut Command) -> RunOutput {
        let output = command.output().unwrap();
        let ran = RunOutput {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(
            !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET),
            "the secret was printed"
        );
        assert_eq!(
            fs::read_dir(self.temp()).unwrap().count(),
            0,
            "temporary files were left behind"
        );
        ran
    }

    /// Writes a good `sync.c1z`, so that there is something to lose, and returns its bytes.
    pub(crate) fn write_good_sync(&self) -> Vec<u8> {
        let other = Self::msp();
        // The one of a test before is another tenant's.
        let _ = fs::remove_file(self.path("sync.c1z"));
        let ran = other.run(&["--file", self.path("sync.c1z").to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        if let Some(base_url) = &self.base_url {
            name_tenant(&self.path("sync.c1z"), base_url);
        }
        fs::read(self.path("sync.c1z")).unwrap()
    }

    /// Runs the program over an existing `sync.c1z` and shows how it failed; the file must be what it was, and nothing
    /// else may be in the folder.
    pub(crate) fn failure_snapshot(&self, arguments: &[&str]) -> String {
        let before = self.write_good_sync();
        let ran = self.run(arguments);
        assert_eq!(
            fs::read(self.path("sync.c1z")).unwrap(),
            before,
            "the previous file was touched"
        );
        self.assert_only_files(&["sync.c1z"]);
        self.error_snapshot(&ran)
    }

    /// The folder holds these files, and the temporary folder.
    pub(crate) fn assert_only_files(&self, names: &[&str]) {
        let mut found: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "tmp")
            .collect();
        found.sort_unstable();
        assert_eq!(found, names);
    }

    /// Exit code and error for a snapshot, without values that differ from run to run.
    pub(crate) fn error_snapshot(&self, ran: &RunOutput) -> String {
        let mut text = String::new();
        for line in ran.stderr.lines().filter(|line| !line.starts_with(r#"{"level""#)) {
            text.push_str(line);
            text.push('\n');
        }
        if let Some(base_url) = &self.base_url {
            text = text.replace(base_url, "[TENANT]");
        }
        text = text.replace(self.folder.path().to_str().unwrap(), "[FOLDER]");
        format!(
            "exit {}\n{}",
            ran.code
                .map_or_else(|| "by signal".to_owned(), |code| code.to_string()),
            without_counters(&text)
        )
    }
}

/// Changes the tenant named in a c1z v1 of this program.
pub(crate) fn name_tenant(file: &Path, tenant: &str) {
    edit_v1(file, |connection| {
        let sql = "update v1_sync_runs set sync_token = json_set(sync_token, '$.writer_note.tenant', ?)";
        assert!(connection.execute(sql, [tenant]).unwrap() > 0);
    });
}

/// Changes the database in a c1z v1.
pub(crate) fn edit_v1(file: &Path, edit: impl FnOnce(&rusqlite::Connection)) {
    let packed = fs::read(file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("db");
    fs::write(&database, zstd::decode_all(&packed[5..]).unwrap()).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    edit(&connection);
    drop(connection);
    let mut edited = packed[..5].to_vec();
    edited.extend(zstd::encode_all(&*fs::read(&database).unwrap(), 1).unwrap());
    fs::write(file, edited).unwrap();
}

/// Removes counters that depend on earlier runs.
pub(crate) fn without_counters(text: &str) -> String {
    ["sim-request-", "WEB_MGMT_SERVICE-"]
        .iter()
        .fold(text.to_owned(), |text, mark| {
            let mut parts = text.split(mark);
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |shown, part| {
                shown + mark + "N" + part.trim_start_matches(|c: char| c.is_ascii_digit())
            })
        })
}

/// Splits a line at spaces outside quotes, as a shell does.
pub(crate) fn split_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Reports that something could not be tested here.
pub(crate) fn report_skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The commented examples in config/; deployment.rs looks into its folders.
pub(crate) fn example_configurations() -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().join("config")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension != "json"));
    assert!(!paths.is_empty());
    paths
}
