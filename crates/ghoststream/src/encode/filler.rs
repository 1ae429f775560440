//! Filler that comes when a bitrate falls.
//!
//! libx264 keeps a constant rate up with filler (H.264, 7.3.2.7). Its model of the receiver's buffer
//! shrinks with the bitrate, and what that held beyond its new size it fills in at once, in one picture:
//! up to a second of the old bitrate, over a path that has just shown that it carries less. Nobody needs
//! it: it is taken out.

use std::time::Duration;

/// Takes out filler that is more than a constant rate asks for.
#[derive(Debug)]
pub(super) struct Filler {
    /// For how long filler may fill in.
    longest: Duration,
    kbps: u32,
}

impl Filler {
    /// For pictures that are shown for so long each; zero where that varies.
    pub(super) fn new(picture: Duration, kbps: u32) -> Self {
        let longest = if picture.is_zero() { Duration::from_millis(250) } else { 2 * picture };
        Self { longest, kbps }
    }

    pub(super) const fn set_bitrate(&mut self, kbps: u32) {
        self.kbps = kbps;
    }

    /// A packet of H.264 without what is too much, where there is such.
    pub(super) fn spare<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let most = f64::from(self.kbps) * 125.0 * self.longest.as_secs_f64();
        let before = without_filler(packet)?;
        ((packet.len() - before.len()) as f64 > most && !before.is_empty()).then_some(before)
    }
}

/// What is before the filler at the end of a packet (Annex B), where there is any.
fn without_filler(packet: &[u8]) -> Option<&[u8]> {
    const FILLER: u8 = 12;
    let body = packet.strip_suffix(&[0x80])?;
    let length = body.iter().rev().take_while(|&&it| it == 0xff).count();
    let (header, before) = body[..body.len() - length].split_last()?;
    let before = before.strip_suffix(&[0, 0, 1]).filter(|_| header & 0x1f == FILLER)?;
    Some(before.strip_suffix(&[0]).unwrap_or(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: [u8; 7] = [0, 0, 0, 1, 0x41, 0xff, 0x80];

    fn filled(bytes: usize) -> Vec<u8> {
        [&PICTURE[..], &[0, 0, 0, 1, 12], &vec![0xff; bytes], &[0x80]].concat()
    }

    #[test]
    fn what_keeps_a_rate_up_stays_and_what_a_lower_rate_leaves_goes() {
        // 12,500 bytes a second, and two pictures of a tenth.
        let mut filler = Filler::new(Duration::from_millis(100), 100);
        assert_eq!(filler.spare(&filled(2000)), None);
        assert_eq!(filler.spare(&filled(3000)), Some(&PICTURE[..]));
        filler.set_bitrate(200);
        assert_eq!(filler.spare(&filled(3000)), None);
    }

    #[test]
    fn what_is_no_filler_stays() {
        let filler = Filler::new(Duration::from_millis(10), 1);
        let long = [&PICTURE[..6], &[0xff; 5000], &[0x80]].concat();
        for packet in [&[][..], &[0x80], &[0xff, 0x80], &PICTURE, &long, &[0, 0, 1, 12, 0x80]] {
            assert_eq!(filler.spare(packet), None, "{packet:?}");
        }
        assert_eq!(filler.spare(&filled(5000)[PICTURE.len()..]), None, "nothing else is in it");
    }
}
