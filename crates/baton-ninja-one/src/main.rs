//! `baton-ninja-one`: see the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    baton_ninja_one::main(std::env::args_os())
}
