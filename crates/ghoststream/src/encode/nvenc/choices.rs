//! What NVENC is to do: what was asked for, and for the rest the encoder preset's row of a table.

use crate::encode::backend::Wish;
use crate::{BReference, EncoderPreset, Multipass, RateControl, SplitEncode, Tune};

/// A value, and whether it was asked for by name: then it is done or refused, never left away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice<T> {
    pub(super) value: T,
    pub(super) asked: bool,
}

impl<T> Choice<T> {
    fn new(asked: Option<T>, usual: T) -> Self {
        match asked {
            Some(value) => Self { value, asked: true },
            None => Self { value: usual, asked: false },
        }
    }
}

/// The options of one session that depend on the GPU or on each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choices {
    /// `p1` to `p7`.
    pub(super) preset: &'static str,
    pub(super) tune: Choice<Tune>,
    /// `None` leaves them to the driver.
    pub(super) b_frames: Choice<Option<u32>>,
    /// `None` leaves it to the driver.
    pub(super) b_reference: Choice<Option<BReference>>,
    /// Pictures.
    pub(super) lookahead: Choice<u32>,
    pub(super) spatial_aq: Choice<bool>,
    pub(super) temporal_aq: Choice<bool>,
    pub(super) multipass: Choice<Multipass>,
    pub(super) weighted_prediction: Choice<bool>,
    pub(super) intra_refresh: Choice<bool>,
    pub(super) split: Choice<SplitEncode>,
}

/// What an encoder preset stands for where time is not short.
struct Row {
    preset: &'static str,
    b_frames: u32,
    b_reference: BReference,
    lookahead: u32,
    spatial_aq: bool,
    temporal_aq: bool,
    multipass: Multipass,
}

/// The table. Low latency takes its first column only; quantisers that are fixed take no AQ, no
/// lookahead and a single pass.
const fn row(preset: EncoderPreset) -> Row {
    use {BReference as B, Multipass as M};
    #[rustfmt::skip]
    let (preset, b_frames, b_reference, lookahead, spatial_aq, temporal_aq, multipass) = match preset {
        //                        NVENC B-frames references ahead spatial temporal passes
        EncoderPreset::Fastest  => ("p1", 0,     B::Off,     0,   false,  false,   M::Off),
        EncoderPreset::Fast     => ("p3", 0,     B::Off,     0,   true,   false,   M::Off),
        EncoderPreset::Balanced => ("p4", 2,     B::Middle,  0,   true,   false,   M::Off),
        EncoderPreset::Quality  => ("p6", 3,     B::Middle,  16,  true,   true,    M::Quarter),
        EncoderPreset::Best     => ("p7", 4,     B::Middle,  24,  true,   true,    M::Full),
    };
    Row { preset, b_frames, b_reference, lookahead, spatial_aq, temporal_aq, multipass }
}

/// The fewest pictures a second with which B-frames and a lookahead do not keep too much of a
/// recording inside the encoder.
const FAST_ENOUGH: f64 = 24.0;

impl Choices {
    /// What was asked for, over the table.
    pub(super) fn new(wish: &Wish<'_>) -> Self {
        let (config, asked) = (wish.config, &wish.config.nvenc);
        let row = row(wish.preset);
        let live = config.low_latency;
        let fixed = config.lossless || config.rate_control == RateControl::Cqp;
        let no_b = live
            || wish.fps < FAST_ENOUGH
            || asked.weighted_prediction == Some(true)
            || asked.intra_refresh == Some(true);
        let b_frames = Choice::new(config.b_frames.map(Some), Some(if no_b { 0 } else { row.b_frames }));
        let usual_reference = match b_frames.value {
            Some(2..) if row.b_reference == BReference::Off => BReference::Middle,
            Some(2..) => row.b_reference,
            _ => BReference::Off,
        };
        let ahead = !(live || fixed || wish.fps < FAST_ENOUGH);
        let lookahead = if ahead { wish.lookahead(row.lookahead, 0.25) } else { 0 };
        let passes = if wish.config.rate_control.has_bitrate() && !live && !config.lossless {
            row.multipass
        } else {
            Multipass::Off
        };
        Self {
            preset: row.preset,
            tune: Choice::new(asked.tune, if live { Tune::UltraLowLatency } else { Tune::HighQuality }),
            b_frames,
            b_reference: Choice::new(asked.b_reference.map(Some), Some(usual_reference)),
            lookahead: Choice::new(config.lookahead, lookahead),
            spatial_aq: Choice::new(asked.spatial_aq, row.spatial_aq && !fixed),
            temporal_aq: Choice::new(asked.temporal_aq, row.temporal_aq && !live && !fixed),
            multipass: Choice::new(asked.multipass, passes),
            weighted_prediction: Choice::new(asked.weighted_prediction, false),
            intra_refresh: Choice::new(asked.intra_refresh, false),
            split: Choice::new(asked.split_encode, SplitEncode::Auto),
        }
    }

    /// Without what some GPUs lack, but for what was asked for: for a GPU of which nothing is known.
    pub(super) fn cautious(mut self) -> Self {
        fn drop<T>(choice: &mut Choice<T>, safe: T) {
            if !choice.asked {
                choice.value = safe;
            }
        }
        let none_wanted = self.b_frames.value == Some(0);
        drop(&mut self.b_frames, if none_wanted { Some(0) } else { None });
        drop(&mut self.b_reference, if none_wanted { Some(BReference::Off) } else { None });
        drop(&mut self.lookahead, 0);
        drop(&mut self.temporal_aq, false);
        drop(&mut self.split, SplitEncode::Auto);
        self
    }
}
