//! What was found in an evening, in rows.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream::{Report, Status};
use testkit::judge::{Options, Verdict, judge_with};

use super::KBPS;
use super::faults::EVENING;
use super::heap::{self, Held};
use super::night::{Clip, Seen, Suffered};
use super::server::Server;
use crate::table::median;

/// The distance of key frames.
pub(super) const GOP_SECONDS: f64 = 2.0;

/// What this process holds, what the stream lost so far and what it asks the encoder for, at a second of the evening.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: f64,
    mib: f64,
    /// Of that, what was asked of the allocator; what the replay holds of it, and what small and large blocks do.
    in_use_mib: f64,
    replay_mib: f64,
    small: Held,
    large: Held,
    threads: usize,
    descriptors: usize,
    /// The machine's load.
    load: f64,
    dropped: u64,
    kbps: u32,
}

impl Sample {
    pub(super) fn of(status: &Status, at: f64) -> Result<Self> {
        let proc = std::fs::read_to_string("/proc/self/status")?;
        let line = proc.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.split_whitespace().next().context("no number")?.parse()?;
        let load = std::fs::read_to_string("/proc/loadavg")?;
        let count = |dir| std::fs::read_dir(dir).map(Iterator::count);
        let [small, large] = heap::held();
        let (live, replay) = (status.outputs[0].live.as_ref(), status.outputs[2].replay.as_ref());
        Ok(Self {
            at,
            mib: kib / 1024.0,
            in_use_mib: heap::in_use_mib(),
            replay_mib: replay.map_or(0.0, |it| it.held_bytes as f64 / f64::from(1 << 20)),
            small,
            large,
            threads: count("/proc/self/task")?,
            descriptors: count("/proc/self/fd")?,
            load: load.split_whitespace().next().context("no load")?.parse()?,
            dropped: live.map_or(0, |it| it.dropped),
            kbps: live.and_then(|it| it.adaptation).map_or(KBPS, |it| it.kbps),
        })
    }

    /// What is in use, without what the replay holds.
    fn own_mib(&self) -> f64 {
        self.in_use_mib - self.replay_mib
    }

    /// Of that, what is neither in blocks the size of pictures nor kept by the allocator.
    fn rest_mib(&self) -> f64 {
        self.small.mib - self.replay_mib
    }

    /// Where the memory is.
    pub(super) fn memory(&self) -> String {
        format!(
            "{:.0} s: {:.1} MiB resident, {:.2} in use, of which the replay holds {:.2}; {} large blocks of {:.2}, the rest \
             {:.2}; blocks from so many KiB on and their MiB: {}",
            self.at,
            self.mib,
            self.in_use_mib,
            self.replay_mib,
            self.large.blocks,
            self.large.mib,
            self.rest_mib(),
            heap::by_size()
        )
    }
}

/// Everything that was seen, and what is in the files.
pub(super) fn rows(
    seen: &Seen,
    length: Duration,
    report: &Report,
    file: &Path,
    server: &Server,
) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for (n, suffered) in seen.suffered.iter().enumerate() {
        let until = seen.suffered.get(n + 1).map_or(f64::INFINITY, |it| it.began);
        let at = format!("{:.0} s", EVENING[n].0 * length.as_secs_f64());
        rows.push(vec![at, suffered.fault.words(), fate(suffered, &seen.samples, until)]);
    }
    let mut row = |what: &str, found: String| rows.push(vec![String::new(), what.to_owned(), found]);
    let beside = judge(file)?;
    let live = report.outputs[0].live.as_ref().context("no report of the stream")?;
    row("pictures encoded; in the file", format!("{}; {}", report.encoded, frames(&beside)));
    row("pictures of the file that are damaged", broken(&beside).to_string());
    row("pictures that this machine was too busy to encode", report.dropped.to_string());
    row(
        "connections of the stream; seconds without one",
        format!("{}; {:.1}", live.connections, live.seconds_without),
    );
    row("pictures that the stream lost, in how many stretches", format!("{} in {}", live.dropped, live.gaps));
    let (mut received, mut damaged, mut unreadable) = (0, 0, 0);
    for recorded in server.recorded()? {
        match judge(&recorded) {
            Ok(verdict) => {
                received += frames(&verdict);
                damaged += broken(&verdict);
            }
            // A connection that was cut at once has neither pictures nor sound.
            Err(_) => unreadable += 1,
        }
    }
    row(
        "pictures that the servers got; damaged among them; connections with none",
        format!("{received}; {damaged}; {unreadable}"),
    );
    if let Some(followed) = live.adaptation {
        row(
            "bitrate that the stream asked for, kbit/s: mean, lowest, changes",
            format!("{:.0}, {}, {}", followed.mean_kbps, followed.lowest_kbps, followed.changes),
        );
    }
    clips(&seen.clips, &mut row)?;
    held(&seen.samples, &mut row);
    Ok(rows)
}

/// What became of the stream from one fault to the next.
fn fate(suffered: &Suffered, samples: &[Sample], until: f64) -> String {
    let before = samples.iter().rfind(|it| it.at <= suffered.began).map_or(0, |it| it.dropped);
    let within: Vec<_> = samples.iter().filter(|it| it.at > suffered.began && it.at <= until).collect();
    let lost = within.last().map_or(before, |it| it.dropped) - before;
    let lowest = within.iter().map(|it| it.kbps).min().unwrap_or(KBPS);
    let low = within.iter().rposition(|it| it.kbps * 20 < KBPS * 19);
    let again = low.and_then(|it| within.get(it + 1)).map(|it| it.at - suffered.ended);
    let mut words = Vec::new();
    if let Some(back) = suffered.back {
        words.push(format!("back after {:.2} s", back.as_secs_f64()));
    }
    words.push(format!("{lost} lost"));
    if low.is_some() {
        let again =
            again.map_or("not yet full again".to_owned(), |it| format!("full {:.0} s after it", it.max(0.0)));
        words.push(format!("{lowest} kbit/s at least, {again}"));
    }
    words.join(", ")
}

fn clips(clips: &[Clip], row: &mut impl FnMut(&str, String)) -> Result<()> {
    let (mut damaged, mut missing) = (0, 0);
    for clip in clips {
        let verdict = judge(&clip.saved.path)?;
        damaged += broken(&verdict);
        missing += verdict.card.as_ref().map_or(0, |it| it.lost);
    }
    let over = |clip: &Clip| clip.saved.seconds - clip.asked.as_secs_f64();
    let least = clips.iter().map(over).fold(f64::INFINITY, f64::min);
    let most = clips.iter().map(over).fold(f64::NEG_INFINITY, f64::max);
    row("clips saved of the replay", clips.len().to_string());
    row(
        &format!(
            "longer than asked, s: least and most of them (0 to {GOP_SECONDS}, a group of pictures, is the aim)"
        ),
        format!("{least:.3} and {most:.3}"),
    );
    row("pictures of the clips that are damaged; missing", format!("{damaged}; {missing}"));
    Ok(())
}

/// What the process held in both halves. In the first minute it is not yet all: caches fill.
fn held(samples: &[Sample], row: &mut impl FnMut(&str, String)) {
    let settled: Vec<_> = samples.iter().filter(|it| it.at > 60.0).collect();
    let (early, late) = settled.split_at(settled.len() / 2);
    let both = |of: fn(&Sample) -> f64| {
        let of = |half: &[&Sample]| median(half.iter().map(|it| of(it)));
        format!("{:.1} and {:.1}", of(early), of(late))
    };
    row("resident memory, first and second half, MiB", both(|it| it.mib));
    row("memory in use, without what the replay holds, MiB", both(Sample::own_mib));
    let pictures = format!("of it, in blocks the size of pictures ({} KiB and more)", heap::LARGE >> 10);
    row(&format!("{pictures}: how many"), both(|it| it.large.blocks as f64));
    row(&format!("{pictures}: MiB"), both(|it| it.large.mib));
    row("of it, in smaller blocks, MiB", both(Sample::rest_mib));
    row("threads", both(|it| it.threads as f64));
    row("descriptors", both(|it| it.descriptors as f64));
    row("load of the machine, on two cores", both(|it| it.load));
}

/// Without its colours, which change with the bitrate.
fn judge(path: &Path) -> Result<Verdict> {
    judge_with(path, &Options { colors: false, ..Options::default() })
}

fn frames(verdict: &Verdict) -> u64 {
    verdict.video.as_ref().map_or(0, |it| it.frames)
}

fn broken(verdict: &Verdict) -> u64 {
    verdict.video.as_ref().map_or(0, |it| it.decode_errors)
}
