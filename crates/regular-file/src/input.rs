//! Reads a small input that a user names: a config file, a secret, a certificate. It may come from a pipe, as a shell's `<(command)` does,
//! but never blocks for long and never fills memory.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{FileError, OtherType, open_without_blocking};

/// Time without any byte from a pipe after which it counts as one that nobody writes to.
const PIPE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two looks at a pipe.
const PIPE_PAUSE: Duration = Duration::from_millis(10);

/// Reads a regular file or a pipe to its end.
///
/// # Errors
/// [`FileError::NotRegular`] for anything else, [`ErrorKind::FileTooLarge`] if it has more than `max_bytes`,
/// [`ErrorKind::TimedOut`] for a pipe that nobody writes to, or the system's error.
pub fn read_input(path: &Path, max_bytes: u64) -> Result<Vec<u8>, FileError> {
    read_until(path, max_bytes, PIPE_TIMEOUT)
}

fn read_until(path: &Path, max_bytes: u64, timeout: Duration) -> Result<Vec<u8>, FileError> {
    let file = open_without_blocking(path)?;
    let mut bytes = Vec::new();
    match OtherType::from_file_type(file.metadata()?.file_type()) {
        None => {
            let mut limited = file.take(max_bytes.saturating_add(1));
            limited.read_to_end(&mut bytes)?;
        }
        Some(OtherType::Fifo) => read_pipe(file, max_bytes, timeout, &mut bytes)?,
        Some(found) => {
            return Err(FileError::NotRegular {
                path: path.to_owned(),
                found,
            });
        }
    }
    if bytes.len() as u64 > max_bytes {
        let message = format!("it has more than {max_bytes} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, message).into());
    }
    Ok(bytes)
}

/// Without a writer a pipe ends at once, so an end before the first byte may be a writer who comes later.
fn read_pipe(mut pipe: File, max_bytes: u64, timeout: Duration, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut last = Instant::now();
    while bytes.len() as u64 <= max_bytes {
        match pipe.read(&mut buffer) {
            Ok(0) if !bytes.is_empty() => return Ok(()),
            Ok(0) => {}
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                last = Instant::now();
                continue;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if last.elapsed() > timeout {
            let message = "nothing is written to this pipe";
            return Err(io::Error::new(ErrorKind::TimedOut, message));
        }
        std::thread::sleep(PIPE_PAUSE);
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn kind(error: FileError) -> ErrorKind {
        error.into_io().kind()
    }

    #[test]
    fn files_and_pipes_are_read_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read_input(&file, 5).unwrap(), b"12345");
        assert_eq!(kind(read_input(&file, 4).unwrap_err()), ErrorKind::FileTooLarge);
        assert!(matches!(
            read_input(Path::new("/dev/zero"), 5),
            Err(FileError::NotRegular { .. })
        ));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let silent = read_until(&fifo, 5, Duration::from_millis(50));
        assert_eq!(kind(silent.unwrap_err()), ErrorKind::TimedOut);
        let path = fifo.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = fs::OpenOptions::new().write(true).open(path).unwrap();
            for part in ["se", "cret"] {
                std::thread::sleep(Duration::from_millis(30));
                pipe.write_all(part.as_bytes()).unwrap();
            }
        });
        assert_eq!(read_input(&fifo, 100).unwrap(), b"secret");
        writer.join().unwrap();
    }
}
