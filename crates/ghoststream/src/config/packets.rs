//! How packets are handed to the caller.

use super::words;

words! {
    /// How the pictures' packets of an [`Output::Packets`](super::Output::Packets) are put together. Sound is
    /// the same in both.
    PacketFormat: "packet-format" {
        /// H.264 and HEVC with start codes (Annex B of both), parameter sets too; AV1 as low-overhead OBUs with
        /// temporal delimiters. What encoders make: the bytes are shared with every other output.
        AnnexB = "annex-b",
        /// H.264 and HEVC with four bytes of length before each NAL unit, and `avcC` or `hvcC` as extradata;
        /// AV1 as OBUs without temporal delimiters, and `av1C`. What MP4, FLV and WebRTC hold.
        LengthPrefixed = "length-prefixed",
    }
}

words! {
    /// What becomes of packets that find no room because the caller reads too slowly.
    WhenFull: "when-full" {
        /// Pictures are dropped down to the next key frame that finds room, and counted.
        Drop = "drop",
        /// The encoder waits, and with it every output of the rendition; pictures before it are dropped and
        /// counted. For who would rather have it slow than with gaps. Once the pipeline is being stopped,
        /// nobody is waited for who takes nothing for two seconds.
        Wait = "wait",
    }
}

/// The options of an [`Output::Packets`](super::Output::Packets).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PacketOptions {
    /// How packets are put together. [`PacketFormat::AnnexB`] by default.
    pub format: PacketFormat,
    /// What becomes of those that find no room. [`WhenFull::Drop`] by default.
    pub when_full: WhenFull,
    /// Packets of pictures and sound that wait for the caller, at most, 2 to 65536. 512 by default: some three
    /// seconds.
    pub most_packets: usize,
    /// Bytes that wait, at most; a single packet may be larger. 64 MiB by default.
    pub most_bytes: usize,
}

impl PacketOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            format: PacketFormat::AnnexB,
            when_full: WhenFull::Drop,
            most_packets: 512,
            most_bytes: 64 << 20,
        }
    }

    /// How packets are put together.
    #[must_use]
    pub const fn with_format(mut self, format: PacketFormat) -> Self {
        self.format = format;
        self
    }

    /// What becomes of packets that find no room.
    #[must_use]
    pub const fn with_when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// How many packets, 2 to 65536, and bytes wait at most.
    #[must_use]
    pub const fn with_bounds(mut self, packets: usize, bytes: usize) -> Self {
        (self.most_packets, self.most_bytes) = (packets, bytes);
        self
    }
}

impl Default for PacketOptions {
    fn default() -> Self {
        Self::new()
    }
}
