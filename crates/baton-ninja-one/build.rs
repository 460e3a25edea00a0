//! Tells the program its target and, in a release, the commit that it is built from.

use std::process::Command;

/// Says the commit to a build that has no git, e.g. in a container.
const COMMIT_VARIABLE: &str = "SOURCE_COMMIT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={COMMIT_VARIABLE}");
    let target = std::env::var("TARGET").unwrap_or_else(|_| "-".to_owned());
    println!("cargo::rustc-env=BUILD_TARGET={target}");
    let given = std::env::var(COMMIT_VARIABLE).ok().as_deref().and_then(commit);
    println!(
        "cargo::rustc-env=BUILD_COMMIT={}",
        given.or_else(released).unwrap_or_else(|| "-".to_owned())
    );
}

/// The commit of a release. Other profiles are not built again for each commit.
fn released() -> Option<String> {
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    commit(&git(&["rev-parse", "HEAD"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Twelve digits of a commit; nothing if it is none.
fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (digits && text.len() >= 7).then(|| text.chars().take(12).collect())
}
