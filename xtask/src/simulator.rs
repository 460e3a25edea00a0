//! A simulated tenant in its own process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process::Failure;

/// Credentials of the simulated API client app.
pub(crate) const CLIENT_ID: &str = "demo-client";
pub(crate) const CLIENT_SECRET: &str = "demo-secret";
pub(crate) const SCOPE: &str = "monitoring management";

/// A running simulator; stops when dropped.
pub(crate) struct Simulator {
    child: Child,
    pub(crate) base_url: String,
}

impl Simulator {
    /// Starts the simulator on a free loopback port and waits until it listens.
    pub(crate) fn start(programs: &Path, args: &[String]) -> Result<Self, Failure> {
        Self::start_at("127.0.0.1:0", programs, args)
    }

    /// Replaces the tenant by another state of it at the same address, because locations are bound to an address.
    pub(crate) fn on_another_day(self, programs: &Path, args: &[String]) -> Result<Self, Failure> {
        let address = self.base_url.trim_start_matches("http://").to_owned();
        drop(self);
        Self::start_at(&address, programs, args)
    }

    fn start_at(address: &str, programs: &Path, args: &[String]) -> Result<Self, Failure> {
        let program = programs.join("ninjaone-sim");
        let mut command = Command::new(&program);
        command.args(["--listen", address, "--exit-with-stdin"]);
        command.args([
            "--client-id",
            CLIENT_ID,
            "--client-secret",
            CLIENT_SECRET,
            "--scopes",
            SCOPE,
        ]);
        let spawned = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|source| Failure::Start {
            program: program.display().to_string(),
            source,
        })?;
        if let Some(base_url) = first_line(&mut child).as_deref().and_then(base_url) {
            return Ok(Self { child, base_url });
        }
        let _ = child.kill();
        let _ = child.wait();
        let no_address = "the simulator did not print its address";
        Err(Failure::Unexpected(no_address.to_owned()))
    }

    /// The settings that point a connector at this tenant.
    pub(crate) fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("BATON_NINJA_ONE_BASE_URL", &self.base_url),
            ("BATON_NINJA_ONE_CLIENT_ID", CLIENT_ID),
            ("BATON_NINJA_ONE_CLIENT_SECRET", CLIENT_SECRET),
            ("BATON_NINJA_ONE_SCOPE", SCOPE),
        ]
    }
}

fn first_line(child: &mut Child) -> Option<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut()?).read_line(&mut line).ok()?;
    Some(line)
}

fn base_url(line: &str) -> Option<String> {
    let ready: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(ready.get("base_url")?.as_str()?.to_owned())
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
