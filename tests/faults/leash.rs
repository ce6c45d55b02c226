//! What must not outlive this test process, however that ends: statics are never dropped, and `kill -9` drops nothing.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// A shell that waits for the end of this process, and then does one thing. Dropped, it does nothing.
pub(crate) struct Leash {
    shell: Child,
}

impl Leash {
    /// Kills a process.
    pub(crate) fn kills(pid: u32) -> Self {
        Self::hold("read -r word || kill -9 \"$1\"", pid.to_string().as_ref())
    }

    /// Deletes a directory.
    pub(crate) fn deletes(directory: &OsStr) -> Self {
        Self::hold("read -r word || rm -rf -- \"$1\"", directory)
    }

    fn hold(script: &str, what: &OsStr) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script, "leash"]).arg(what).stdin(Stdio::piped());
        let shell = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh runs");
        Self { shell }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(mut word) = self.shell.stdin.take() {
            // A shell that is gone needs no word.
            let _ = word.write_all(b"released\n");
        }
        let _ = self.shell.wait();
    }
}
