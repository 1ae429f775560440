//! Real packets through a buffer into files, read back.

mod chapters;
mod clips;
mod memory;
mod saves;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Buffer, ReplayOptions, open};
use crate::encode::{Packet, Track};
use crate::output::file::testing::Encoded;
use crate::output::{Context, Sink};
use crate::{Container, MediaTime, Timestamp};

/// A buffer for these tracks.
fn opened(
    directory: &Path,
    container: Container,
    seconds: u32,
    tracks: &[&Encoded],
) -> (Box<dyn Sink>, Arc<Buffer>) {
    let tracks: Vec<Track> = tracks.iter().map(|it| it.track.clone()).collect();
    let options = ReplayOptions::new().with_container(container);
    open((seconds, directory), &options, &tracks, &Context::alone()).unwrap()
}

fn fill(sink: &mut dyn Sink, packets: &[Packet]) {
    packets.iter().for_each(|it| sink.write(it).unwrap());
}

/// A packet of a track, of this many bytes; times in milliseconds.
pub(super) fn packet(track: usize, at: i64, duration: i64, key: bool, size: usize) -> Packet {
    let time = MediaTime::from_nanos(at * 1_000_000);
    Packet {
        track,
        pts: time,
        dts: time,
        duration: Duration::from_millis(duration as u64),
        key,
        arrived: None,
        begins: None,
        encoded: Timestamp::from_nanos(0),
        payload: vec![1; size][..].into(),
    }
}
