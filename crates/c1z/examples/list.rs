//! Prints the syncs of a file, and how many rows each has: `cargo run -p c1z --example list -- sync.c1z`.
#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use c1z::{Limits, Reader};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a c1z file")?;
    let stop = AtomicBool::new(false);
    let reader = Reader::open(Path::new(&path), &std::env::temp_dir(), Limits::default(), &stop)?;
    for sync in reader.syncs()? {
        let rows = reader.count(&sync.sync_id)?;
        let ended_at = sync.ended_at.as_deref().unwrap_or("unfinished");
        println!(
            "{} {} {ended_at}: {} resources, {} entitlements, {} grants",
            sync.sync_id, sync.sync_type, rows.resources, rows.entitlements, rows.grants
        );
    }
    Ok(())
}
