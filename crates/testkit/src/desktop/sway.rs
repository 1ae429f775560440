//! What is needed of sway's IPC: see sway-ipc(7).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const MAGIC: &[u8; 6] = b"i3-ipc";
const RUN_COMMAND: u32 = 0;
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends sway. It does not always come round to answering, but hanging up too early takes the command
/// back.
pub(super) fn exit(socket: &Path) -> Result<()> {
    let mut stream = request(socket, "exit")?;
    stream.read_to_end(&mut Vec::new()).map(drop).context("sway does not exit")
}

/// Carries out a command.
pub(super) fn run(socket: &Path, command: &str) -> Result<()> {
    let mut stream = request(socket, command)?;
    let mut header = [0; 14];
    stream.read_exact(&mut header).with_context(|| format!("sway does not answer to `{command}`"))?;
    ensure!(header.starts_with(MAGIC), "this is not sway that answers");
    let length = u32::from_ne_bytes([header[6], header[7], header[8], header[9]]);
    let mut body = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut body)?;
    let results: Vec<serde_json::Value> = serde_json::from_slice(&body)?;
    match results.iter().find(|result| result["success"] != true) {
        Some(refusal) => bail!("sway refuses `{command}`: {}", refusal["error"]),
        None => Ok(()),
    }
}

fn request(socket: &Path, command: &str) -> Result<UnixStream> {
    let mut stream =
        UnixStream::connect(socket).with_context(|| format!("no sway at {}", socket.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u32::try_from(command.len())?;
    let mut message = MAGIC.to_vec();
    message.extend(length.to_ne_bytes());
    message.extend(RUN_COMMAND.to_ne_bytes());
    message.extend(command.as_bytes());
    stream.write_all(&message)?;
    Ok(stream)
}
