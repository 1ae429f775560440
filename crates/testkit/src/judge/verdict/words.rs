//! What the judge says, for people to read.

use std::fmt;

use super::{AudioVerdict, CardVerdict, Color, Verdict, VideoVerdict};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (megabytes, seconds) = (self.bytes as f64 / 1e6, self.content_seconds);
        writeln!(f, "{}: {}, {megabytes:.2} MB, {seconds:.2} s", self.path.display(), self.container)?;
        if let Some(video) = &self.video {
            writeln!(f, "  video  {video}")?;
        }
        if let Some(card) = &self.card {
            writeln!(f, "  card   {card}")?;
        }
        for track in &self.audio {
            writeln!(f, "  audio  {track}")?;
        }
        Ok(())
    }
}

impl fmt::Display for VideoVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color { matrix, range, .. } = &self.color;
        let profile = self.profile.as_deref().map(|it| format!(" ({it})")).unwrap_or_default();
        let fps = (self.fps * 100.0).round() / 100.0;
        write!(f, "{}{profile} {}x{} at {fps} fps, ", self.codec, self.width, self.height)?;
        write!(f, "{} {matrix} {range}, {} frames, {} key", self.pixel_format, self.frames, self.key_frames)?;
        if ["smpte2084", "arib-std-b67"].contains(&self.color.transfer.as_str()) {
            write!(f, ", HDR in {}", self.color.transfer)?;
        }
        for (name, value) in [("made on", &self.hdr.mastering_display), ("light", &self.hdr.content_light)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        if self.decode_errors > 0 {
            write!(f, ", {} damaged", self.decode_errors)?;
        }
        Ok(())
    }
}

impl fmt::Display for CardVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} to #{}: {} lost, {} repeated, ", self.first, self.last, self.lost, self.repeated)?;
        write!(f, "{} out of order, {} unreadable; ", self.out_of_order, self.unreadable)?;
        write!(f, "timing p99 {:.2} ms, max {:.2} ms", self.timing.p99_ms, self.timing.max_ms)
    }
}

impl fmt::Display for AudioVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language.as_deref().unwrap_or("und");
        write!(f, "{} {} Hz, {} channels, {language}, ", self.codec, self.rate, self.channels)?;
        write!(f, "{:.2} s", self.end - self.start)?;
        if !self.gaps.is_empty() {
            write!(f, ", {} breaks", self.gaps.len())?;
        }
        match (self.worst_skew_ms(), self.mean_skew_ms()) {
            (Some(worst), Some(mean)) => {
                let pairs = self.skews_ms.len();
                write!(f, "; {pairs} beeps, A/V skew {worst:.2} ms at most, {mean:+.2} ms on average")
            }
            _ => write!(f, "; no beep with a flash"),
        }
    }
}
