//! The Dockerfile, as far as it can be checked without a build.

use super::{NOBODY, read};
use crate::harness::workspace;

/// Instructions, with continued lines put together.
fn instructions() -> Vec<(String, String)> {
    let text = read("Dockerfile").replace("\\\n", " ");
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (instruction, rest) = line.split_once(' ').unwrap();
            (instruction.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

#[test]
fn the_image_holds_the_program_only_and_runs_as_nobody() {
    let instructions = instructions();
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").unwrap();
    let image = &instructions[last..];
    assert_eq!(image[0].1, "scratch");
    assert!(
        !image
            .iter()
            .any(|(name, _)| ["RUN", "ADD", "ENV"].contains(&name.as_str()))
    );
    let one = |instruction_name: &str| {
        let mut found = image.iter().filter(|(name, _)| name == instruction_name);
        let value = found.next().unwrap_or_else(|| panic!("no {instruction_name}"));
        assert!(found.next().is_none(), "{instruction_name} twice");
        value.1.as_str()
    };
    assert_eq!(one("USER"), format!("{NOBODY}:{NOBODY}"));
    assert_eq!(one("COPY"), "--from=build /image/ /");
    assert_eq!(one("ENTRYPOINT"), r#"["/usr/local/bin/baton-ninja-one"]"#);
}

/// The reference's images have the program at `/`, and published probes start it there.
#[test]
fn the_program_has_a_second_name_at_the_root() {
    let link = "ln -s usr/local/bin/baton-ninja-one /image/baton-ninja-one";
    let creates_link = |(name, value): &(String, String)| name == "RUN" && value.contains(link);
    assert!(instructions().iter().any(creates_link));
    // Relative, so that it leads to the program in the image and while the image is put together.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("usr/local/bin")).unwrap();
    std::fs::write(folder.path().join("usr/local/bin/baton-ninja-one"), "program").unwrap();
    std::os::unix::fs::symlink(
        "usr/local/bin/baton-ninja-one",
        folder.path().join("baton-ninja-one"),
    )
    .unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("baton-ninja-one")).unwrap(),
        b"program"
    );
}

#[test]
fn the_build_uses_this_workspace_and_toolchain() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .unwrap();
    let channel = channel.trim_matches('"');
    let instructions = instructions();
    let has = |name: &str, value: &str| instructions.iter().any(|(n, v)| n == name && v == value);
    assert!(has("ENV", &format!("RUSTUP_TOOLCHAIN={channel}")));
    assert!(has(
        "ARG",
        &format!("BUILDER=docker.io/library/rust:{channel}-alpine")
    ));
    let builds = |(name, value): &&(String, String)| name == "RUN" && value.contains("cargo build");
    let build = &instructions.iter().find(builds).unwrap().1;
    assert!(build.contains("--locked") && build.contains("--release"));

    // Everything that is copied is there, and is let through to the builder.
    let ignored = read(".dockerignore");
    let sources = instructions
        .iter()
        .filter(|(name, value)| name == "COPY" && !value.starts_with("--from"))
        .flat_map(|(_, value)| {
            let mut words: Vec<&str> = value.split(' ').collect();
            words.pop();
            words
        });
    let sources: Vec<&str> = sources.collect();
    for source in &sources {
        assert!(workspace().join(source).exists(), "{source}");
        assert!(
            ignored.contains(&format!("\n!{source}\n")),
            "{source} is not sent"
        );
    }
    // Cargo reads the manifest of every member and finds every target, even those that it does not build.
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "crates",
        "xtask",
        "tests/e2e",
    ] {
        assert!(sources.contains(&needed), "{needed} is not copied");
    }
    assert!(read("Cargo.toml").contains(r#"members = ["crates/*", "xtask"]"#));
}
