#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("directory")).unwrap();
    fifo(&path("pipe"));
    let _socket = UnixListener::bind(path("socket")).unwrap();
    symlink(path("pipe"), path("link-to-pipe")).unwrap();
    for (name, what) in [
        ("directory", "a directory"),
        ("pipe", "a pipe"),
        ("link-to-pipe", "a pipe"),
        ("socket", "a socket"),
    ] {
        let expected = format!("{} is {what}, not a regular file", path(name).display());
        assert_eq!(open(&path(name)).unwrap_err().to_string(), expected);
        assert_eq!(resolve_output(&path(name)).unwrap_err().to_string(), expected);
        assert_eq!(
            open_to_append(&path(name), None).unwrap_err().to_string(),
            expected
        );
    }
    let device = Path::new("/dev/null");
    assert!(matches!(open(device), Err(FileError::NotRegular { .. })));
    assert!(matches!(
        resolve_output(device),
        Err(FileError::NotRegular { .. })
    ));
    open_to_append(device, None).unwrap();
    assert!(matches!(
        resolve_output(Path::new("-")),
        Err(FileError::StandardStream)
    ));
}

#[test]
fn output_symlinks_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("data")).unwrap();
    fs::write(path("data/current"), "x").unwrap();
    symlink("data/current", path("relative")).unwrap();
    symlink(path("relative"), path("chain")).unwrap();
    symlink("data/new", path("dangling")).unwrap();
    symlink("nowhere/new", path("no-folder")).unwrap();
    symlink("loop-b", path("loop-a")).unwrap();
    symlink("loop-a", path("loop-b")).unwrap();
    for (name, target) in [
        ("relative", "data/current"),
        ("chain", "data/current"),
        ("dangling", "data/new"),
        ("no-folder", "nowhere/new"),
        ("data/current", "data/current"),
        ("absent", "absent"),
    ] {
        assert_eq!(resolve_output(&path(name)).unwrap(), path(target), "{name}");
    }
    for result in [resolve_output(&path("loop-a")).err(), open(&path("loop-a")).err()] {
        assert!(matches!(result, Some(FileError::LinkLoop { .. })), "{result:?}");
    }
}

#[test]
fn reading_stops_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "four").unwrap();
    assert_eq!(read(&path, 4).unwrap(), b"four");
    let error = read(&path, 3).unwrap_err();
    assert!(matches!(error, FileError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge));
}
