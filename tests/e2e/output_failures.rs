//! Targets that cannot be written, or must not be.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use ninjaone_sim::{Fault, SimConfig, Tenant, When};

use crate::harness::{PROGRAM, TestContext, report_skipped};

/// The first bytes of a v3 file (docs/reference/c1z.md §1).
const V3_MAGIC: &[u8] = b"C1Z3\0";

/// The program fails on these contents and leaves them unchanged.
fn refused(contents: &[u8]) -> String {
    let context = TestContext::msp();
    fs::write(context.path("sync.c1z"), contents).unwrap();
    let ran = context.run(&[]);
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), contents);
    context.assert_only_files(&["sync.c1z"]);
    // Nothing of the tenant is read for a run that cannot end well.
    assert!(context.sim().ledger().calls().is_empty());
    context.error_snapshot(&ran)
}

#[test]
fn foreign_files_are_not_overwritten() {
    assert_snapshot!("v3", refused(&[V3_MAGIC, &[7; 100]].concat()));
    assert_snapshot!("foreign", refused(b"The quarterly report.\n"));
    let context = TestContext::msp();
    let good = context.write_good_sync();
    assert_snapshot!("damaged", refused(&good[..good.len() / 2]));
}

#[test]
fn existing_files_are_replaced_on_request() {
    for contents in [
        [V3_MAGIC, &[7; 100]].concat(),
        b"The quarterly report.\n".to_vec(),
    ] {
        let context = TestContext::msp();
        fs::write(context.path("sync.c1z"), &contents).unwrap();
        let ran = context.run(&["--replace-existing"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(fs::read(context.path("sync.c1z")).unwrap().starts_with(b"C1ZF\0"));
    }
    // Only once the sync is complete.
    let context = TestContext::faulty("/v2/users", When::Always, Fault::Status(400));
    fs::write(context.path("sync.c1z"), "The quarterly report.\n").unwrap();
    assert_ne!(context.run(&["--replace-existing"]).code, Some(0));
    assert_eq!(
        fs::read(context.path("sync.c1z")).unwrap(),
        b"The quarterly report.\n"
    );
}

#[test]
fn locations_that_are_not_files() {
    let context = TestContext::msp();
    fs::create_dir(context.path("folder")).unwrap();
    assert_snapshot!(
        "directory",
        context.error_snapshot(&context.run(&["--file", "folder"]))
    );
    assert_snapshot!(
        "no_folder",
        context.error_snapshot(&context.run(&["--file", "nowhere/sync.c1z"]))
    );
    assert_snapshot!(
        "no_temp_folder",
        context.error_snapshot(&context.run(&["--c1z-temp-dir", "nowhere"]))
    );
    context.assert_only_files(&["folder"]);
}

#[test]
#[cfg(unix)]
fn a_folder_without_write_permission() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let context = TestContext::msp();
    let before = context.write_good_sync();
    let folder = context.path("locked");
    fs::create_dir(&folder).unwrap();
    fs::rename(context.path("sync.c1z"), folder.join("sync.c1z")).unwrap();
    let mut command = context.command(&["--file", "locked/sync.c1z"]);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&folder, 0o555);
    mode(context.folder.path(), 0o755);
    mode(&context.path("tmp"), 0o777);
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere, so the test runs as nobody, who must be able to run the program.
        let program = context.path("tmp").with_file_name("program");
        fs::copy(PROGRAM, &program).unwrap();
        let mut as_nobody = Command::new(&program);
        as_nobody
            .args(["--file", "locked/sync.c1z"])
            .current_dir(context.folder.path())
            .env_clear();
        as_nobody.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        as_nobody.uid(65534);
        command = as_nobody;
    }
    let ran = context.finish(&mut command);
    mode(&folder, 0o755);
    assert_eq!(fs::read(folder.join("sync.c1z")).unwrap(), before);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_snapshot!(context.error_snapshot(&ran));
}

/// The program on a file system of so many kilobytes, where this machine lets a test mount one. What `previous` holds is
/// there as `target`, and must be there afterwards, unchanged and alone.
#[cfg(target_os = "linux")]
fn on_a_small_disk(kilobytes: u32, previous: &Path, target: &str, arguments: &str) -> Option<String> {
    let size = ninjaone_sim::GeneratedSize {
        technicians: 10,
        end_users: 4990,
        roles: 10,
        grants: 20_000,
        ..ninjaone_sim::GeneratedSize::default()
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    if fs::read(previous).is_ok_and(|file| file.starts_with(b"C1ZF")) {
        crate::harness::name_tenant(previous, context.base_url.as_ref().unwrap());
    }
    let small = context.path("small");
    fs::create_dir(&small).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={kilobytes}k tmpfs {small} && cp -r {previous} {small}/{target} || exit 77; \
         cd {small}; {PROGRAM} {arguments} --c1z-temp-dir {small}; code=$?; cd /; \
         diff -r -x _lock {previous} {small}/{target} || exit 78; \
         [ \"$(ls -A {small})\" = {target} ] || exit 79; exit $code",
        small = small.display(),
        previous = previous.display(),
    );
    let connector = context.command(&[]);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(context.folder.path());
    command.envs(
        connector
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let Ok(output) = command.output() else {
        report_skipped("a full disk", "there is no unshare here");
        return None;
    };
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(1 | 77) if !stderr.contains("error:") => {
            report_skipped("a full disk", &format!("no file system can be mounted: {stderr}"));
            None
        }
        Some(78) => panic!(
            "what was there before was touched: {}",
            String::from_utf8_lossy(&output.stdout)
        ),
        Some(79) => panic!("files were left behind"),
        code => {
            let ran = crate::harness::RunOutput {
                code,
                stdout: String::new(),
                stderr,
            };
            // Names of temporary files are random.
            let shown: Vec<String> = context
                .error_snapshot(&ran)
                .split(' ')
                .map(|word| {
                    if word.contains("/small/") && !word.contains("sync.c1z") {
                        "[TEMPORARY]".to_owned()
                    } else {
                        word.to_owned()
                    }
                })
                .collect();
            Some(shown.join(" ").replace("[TEMPORARY]hint", "[TEMPORARY]\n  hint"))
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    // Full while the previous file is read, and while rows are written.
    let context = TestContext::msp();
    context.write_good_sync();
    let previous = context.path("sync.c1z");
    for (name, kilobytes) in [("full_at_once", 128), ("full_while_writing", 4096)] {
        if let Some(shown) = on_a_small_disk(kilobytes, &previous, "sync.c1z", "--file sync.c1z") {
            assert!(shown.starts_with("exit 8\n"), "{shown}");
            assert_snapshot!(name, shown);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_a_dataset() {
    // Full while rows are collected, and while files are written.
    let context = TestContext::msp();
    for (kind, kilobytes) in [("parquet", 512), ("parquet", 3000), ("csv", 700), ("csv", 6000)] {
        let sink = format!("{kind}=previous");
        assert_eq!(context.run(&["--sink", &sink]).code, Some(0));
        let arguments = format!("--sink {kind}=out --accept-drop all --replace-existing");
        if let Some(shown) = on_a_small_disk(kilobytes, &context.path("previous"), "out", &arguments) {
            assert!(shown.starts_with("exit 8\n"), "{kind} {kilobytes}: {shown}");
        }
        fs::remove_dir_all(context.path("previous")).unwrap();
    }
}

#[test]
fn two_runs_at_once() {
    let slow = Fault::SlowBody {
        first: std::time::Duration::from_secs(3),
        pause: std::time::Duration::ZERO,
        piece: 1 << 20,
    };
    let context = TestContext::faulty("/v2/users", When::First(1), slow);
    let mut first = context
        .command(&[])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", "/v2/users") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let second = context.command(&[]).output().unwrap();
    let second = crate::harness::RunOutput {
        code: second.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(second.stderr).unwrap(),
    };
    assert!(first.wait().unwrap().success());
    context.assert_only_files(&["sync.c1z"]);
    assert_snapshot!(context.error_snapshot(&second));
}
