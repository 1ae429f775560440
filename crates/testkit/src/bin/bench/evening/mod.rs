//! An evening of streaming over a network that fails in six ways, with a file and a replay buffer beside it: the
//! server is killed, the path is cut, narrowed, widened and made lossy. Over RTMP and over SRT at the same time, each
//! in a process of its own.

mod faults;
mod heap;
mod night;
mod server;
mod tally;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::Plan;
use crate::table::Findings;

use self::server::Protocol;

/// The argument with which this program goes through the evening over one protocol, for so many seconds.
pub const OVER: &str = "evening-over";

/// The bitrate that the stream asks for, in kbit/s, and that the path carries in good times, in bits a second.
const KBPS: u32 = 3000;
const RATE: u64 = 4_500_000;
/// How much of the replay each clip is to hold.
const CLIP: Duration = Duration::from_secs(20);
/// How many clips are saved in the evening, beside those after the faults.
const CLIPS: u32 = 6;

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(3600);
    let children: Vec<_> = Protocol::ALL.into_iter().map(|it| start(it, length)).collect::<Result<_>>()?;
    // Both are waited for before one's failure is told.
    let columns: Vec<_> = children.into_iter().map(rows).collect();
    let columns: Vec<_> = columns.into_iter().collect::<Result<_>>()?;
    let [rtmp, srt] = &columns[..] else { bail!("one column is missing") };
    ensure!(rtmp.len() == srt.len(), "the columns differ");
    let row = |(one, other): (&Vec<String>, &Vec<String>)| [&one[..], &other[2..]].concat();
    Ok(Findings {
        title: "An evening of six faults, over RTMP and over SRT".into(),
        about: format!(
            "{} minutes of the test card, 640x360 at 30 fps, x264 ultrafast at a constant {KBPS} kbit/s with sound, which \
             follows the path as it does unless told otherwise; over RTMP to nginx, and at the same time over SRT, with a \
             latency of {} ms, to srt-live-transmit, each over a path of its own of 20 ms each way that carries {} kbit/s. \
             Beside each stream a file and a replay buffer take the same pictures; clips of the last {} s are saved every \
             sixth of the evening and after each fault. *Back* is from the moment at which the server listens, or the path \
             is whole, to the server's handing on of the stream, which over SRT includes the latency. *Lost* are the \
             pictures that the stream left out from then to the next fault.",
            length.as_secs() / 60,
            server::LATENCY.as_millis(),
            RATE / 1000,
            CLIP.as_secs(),
        ),
        head: vec!["at", "what", "RTMP", "SRT"],
        rows: rtmp.iter().zip(srt).map(row).collect(),
        conclusion: String::new(),
    })
}

fn start(protocol: Protocol, length: Duration) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([OVER, protocol.word(), &length.as_secs().to_string()]).stdout(Stdio::piped());
    command.spawn().context("starting an evening")
}

/// What the process found, a row of three cells a line.
fn rows(child: Child) -> Result<Vec<Vec<String>>> {
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    // An hour's findings are not to be lost with those of the other process.
    eprintln!("{text}");
    ensure!(output.status.success(), "an evening failed: {}", output.status);
    Ok(text.lines().map(|it| it.split('|').map(str::to_owned).collect()).collect())
}

/// What [`OVER`] does.
pub fn over(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = || arguments.next().context("rtmp or srt, SECONDS");
    let (protocol, seconds) = (Protocol::named(&next()?)?, next()?.parse()?);
    heap::count();
    for row in night::spend(protocol, Duration::from_secs(seconds))? {
        println!("{}", row.join("|"));
    }
    Ok(())
}
