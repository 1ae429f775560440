//! A stretch of the recording as bytes, for the disk.
//!
//! Each packet is its fields in little endian and then its bytes. What an encoder said beside them (side data) is not
//! kept: files are made without.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use super::ring::{Group, Stretch};
use crate::encode::{Packet, Track};
use crate::{MediaTime, Timestamp};

/// A packet is a key packet; another encoder begins with it.
const KEY: u8 = 1;
const BEGINS: u8 = 2;

/// The stretch as bytes. What its encoders' tracks are is not among them: see [`begun`].
pub(super) fn to_bytes(stretch: &Stretch) -> Vec<u8> {
    let sound = stretch.sound.iter().flatten();
    let mut out = Vec::new();
    for packet in stretch.group.packets.iter().chain(sound) {
        let key = if packet.key { KEY } else { 0 };
        let begins = if packet.begins.is_some() { BEGINS } else { 0 };
        out.extend((packet.track as u32).to_le_bytes());
        out.push(key | begins);
        out.extend(packet.pts.as_nanos().to_le_bytes());
        out.extend(packet.dts.as_nanos().to_le_bytes());
        out.extend((packet.duration.as_nanos() as u64).to_le_bytes());
        out.extend((packet.data().len() as u64).to_le_bytes());
        out.extend(packet.data());
    }
    out
}

/// The tracks of encoders that begin within it, in their order.
pub(super) fn begun(stretch: &Stretch) -> Vec<Arc<Track>> {
    stretch.group.packets.iter().filter_map(|it| it.begins.clone()).collect()
}

/// The stretch that these bytes are, of the track by which its pictures are made at first, and of so many tracks of
/// sound.
///
/// # Errors
/// The bytes are none.
pub(super) fn from_bytes(
    bytes: &[u8],
    track: &Arc<Track>,
    begun: &[Arc<Track>],
    sound: usize,
) -> io::Result<Stretch> {
    let mut reader = Reader { bytes };
    let mut begun = begun.iter().cloned();
    let mut pictures = Vec::new();
    let mut heard = vec![Vec::new(); sound];
    while !reader.bytes.is_empty() {
        let packet = reader.packet(&mut begun)?;
        match packet.track.checked_sub(1) {
            None => pictures.push(packet),
            Some(index) => heard.get_mut(index).ok_or_else(damaged)?.push(packet),
        }
    }
    if pictures.is_empty() {
        return Err(damaged());
    }
    Ok(Stretch { group: Arc::new(Group::of(Arc::clone(track), pictures)), sound: heard })
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(damaged)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn time(&mut self) -> io::Result<MediaTime> {
        Ok(MediaTime::from_nanos(i64::from_le_bytes(self.take()?)))
    }

    fn packet(&mut self, begun: &mut impl Iterator<Item = Arc<Track>>) -> io::Result<Packet> {
        let track = u32::from_le_bytes(self.take()?) as usize;
        let [what] = self.take()?;
        let (pts, dts) = (self.time()?, self.time()?);
        let duration = Duration::from_nanos(u64::from_le_bytes(self.take()?));
        let length = usize::try_from(u64::from_le_bytes(self.take()?)).map_err(|_| damaged())?;
        let (data, rest) = self.bytes.split_at_checked(length).ok_or_else(damaged)?;
        self.bytes = rest;
        let payload = data.into();
        let begins = if what & BEGINS == 0 { None } else { Some(begun.next().ok_or_else(damaged)?) };
        let key = what & KEY != 0;
        let encoded = Timestamp::from_nanos(0);
        Ok(Packet { track, pts, dts, duration, key, arrived: None, begins, encoded, payload })
    }
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "what was kept there has been changed")
}
