//! What one GPU can do of a job: its picture, and the tools that are to be used.

use super::{Job, an, name, strips, the, unmet};
use crate::encode::backend::Unmet;
use crate::encode::nvenc::abilities::{CodecAbilities, GpuAbilities};
use crate::encode::nvenc::choices::{Choice, Choices};
use crate::encode::nvenc::features::Features;
use crate::{BReference, Chroma, Codec, EncoderPreset, SplitEncode};

/// A job on one GPU.
pub(super) struct OnGpu<'a> {
    pub(super) job: &'a Job,
    pub(super) gpu: &'a GpuAbilities,
    pub(super) can: &'a CodecAbilities,
    /// Defaults that this GPU cannot follow.
    pub(super) left_away: Vec<&'static str>,
}

impl OnGpu<'_> {
    /// What of the picture itself the GPU cannot encode.
    pub(super) fn picture(&self) -> Result<(), Unmet> {
        let (job, can) = (self.job, self.can);
        let (codec, gpu, size) = (name(job.codec), &self.gpu.name, job.size);
        if size.width > can.max.width || size.height > can.max.height {
            let remedy = if job.codec == Codec::H264 {
                "take codec hevc or av1, or a smaller size"
            } else {
                "take a smaller size"
            };
            return unmet(format!("{codec} goes to {} on {}; this is {size}", can.max, the(gpu)), remedy);
        }
        if size.width < can.min.width || size.height < can.min.height {
            return unmet(
                format!("{codec} begins at {} on {}; this is {size}", can.min, the(gpu)),
                "take a larger size, or encoder software",
            );
        }
        if job.ten_bit && !can.ten_bit {
            let needs = match job.codec {
                Codec::H264 => "H.264 in ten bits needs a GeForce RTX 50 or newer",
                Codec::Hevc => "HEVC in ten bits needs a GeForce GTX 10 or newer",
                _ => "AV1 in ten bits needs a GeForce RTX 40 or newer",
            };
            let remedy = if job.codec == Codec::H264 {
                "take codec hevc or av1 for ten bits"
            } else {
                "leave ten-bit off"
            };
            return unmet(format!("{needs}; this is {}", an(gpu)), remedy);
        }
        if job.chroma == Chroma::Yuv444 && !can.yuv444 {
            return unmet(
                format!("{codec} in 4:4:4 needs a GeForce GTX 10 or newer; this is {}", an(gpu)),
                "take chroma 420, or encoder software",
            );
        }
        if job.lossless && !can.lossless {
            return unmet(
                format!("{} has no lossless {codec}", the(gpu)),
                "leave lossless off, or take encoder software",
            );
        }
        Ok(())
    }

    /// The choices as this GPU can follow them.
    pub(super) fn settle(&mut self, choices: &Choices, features: &Features) -> Result<Choices, Unmet> {
        let can = self.can;
        let mut choices = choices.clone();
        self.settle_b_frames(&mut choices)?;
        self.settle_flag(
            &mut choices.temporal_aq,
            can.temporal_aq && features.temporal_aq,
            "temporal AQ",
            "temporal-aq",
        )?;
        self.settle_flag(
            &mut choices.weighted_prediction,
            can.weighted_prediction,
            "weighted prediction",
            "weighted-prediction",
        )?;
        self.settle_flag(&mut choices.intra_refresh, can.intra_refresh, "intra-refresh", "intra-refresh")?;
        if choices.lookahead.value > 0 && !can.lookahead {
            if choices.lookahead.asked {
                return Err(self.lacks("lookahead", "set lookahead to 0"));
            }
            choices.lookahead.value = 0;
            self.left_away.push("lookahead");
        }
        self.settle_split(&mut choices, features)?;
        Ok(choices)
    }

    fn settle_flag(
        &mut self,
        choice: &mut Choice<bool>,
        can: bool,
        what: &'static str,
        setting: &'static str,
    ) -> Result<(), Unmet> {
        if choice.value && !can {
            if choice.asked {
                return Err(self.lacks(what, &format!("leave {setting} off")));
            }
            choice.value = false;
            self.left_away.push(what);
        }
        Ok(())
    }

    fn settle_b_frames(&mut self, choices: &mut Choices) -> Result<(), Unmet> {
        let most = self.can.max_b_frames;
        if let Some(wanted) = choices.b_frames.value
            && wanted > most
        {
            if choices.b_frames.asked {
                let (codec, gpu) = (name(self.job.codec), the(&self.gpu.name));
                return match most {
                    0 => unmet(format!("{gpu} has no B-frames in {codec}"), "set b-frames to 0"),
                    _ => unmet(
                        format!(
                            "{gpu} has {most} B-frames in a row at most in {codec}, and {wanted} are asked for"
                        ),
                        format!("set b-frames to {most} or less"),
                    ),
                };
            }
            choices.b_frames.value = Some(most);
            if most == 0 {
                self.left_away.push("B-frames");
            }
        }
        let (each, middle) = (self.can.b_reference_each, self.can.b_reference_middle);
        let rows = choices.b_frames.value.unwrap_or(0);
        let can = match choices.b_reference.value {
            Some(BReference::Middle) => middle && rows > 1,
            Some(BReference::Each) => each && rows > 0,
            Some(BReference::Off) | None => true,
        };
        if can {
            return Ok(());
        }
        if choices.b_reference.asked {
            let (remedy, other) = if middle && rows > 1 {
                ("set b-ref to middle", "each of the B-frames")
            } else {
                ("set b-ref to off", "B-frames")
            };
            let reason = match rows {
                0 => format!("there are no B-frames in {} to refer to", name(self.job.codec)),
                _ => format!("{} cannot refer to {other} in {}", the(&self.gpu.name), name(self.job.codec)),
            };
            return unmet(reason, remedy);
        }
        choices.b_reference.value = Some(BReference::Off);
        if rows > 1 {
            self.left_away.push("B-frames as references");
        }
        Ok(())
    }

    /// Two strips carry about a gigapixel a second each way; the driver's own choice does nothing
    /// for pictures of fewer than some 2100 lines.
    fn settle_split(&self, choices: &mut Choices, features: &Features) -> Result<(), Unmet> {
        let engines = self.can.engines;
        let strips = strips(choices.split.value);
        if strips > engines {
            return unmet(
                format!(
                    "split-encode {} needs {strips} encoders on the GPU; {} has {engines}",
                    choices.split.value,
                    the(&self.gpu.name)
                ),
                "leave split-encode away",
            );
        }
        let pixels = self.job.size.area() as f64 * self.job.fps;
        let may = features.split && self.job.codec != Codec::H264 && !choices.weighted_prediction.value;
        if choices.split.value == SplitEncode::Auto && may {
            choices.split.value = match engines {
                3.. if pixels > 2e9 => SplitEncode::Three,
                2.. if pixels > 1e9 => SplitEncode::Two,
                _ => SplitEncode::Auto,
            };
        }
        Ok(())
    }

    fn lacks(&self, what: &str, remedy: &str) -> Unmet {
        Unmet::new(format!("{} has no {what} in {}", the(&self.gpu.name), name(self.job.codec)), remedy)
    }

    /// What a preset for quality does without.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let job = self.job;
        if matches!(job.preset, EncoderPreset::Quality | EncoderPreset::Best) && !self.left_away.is_empty() {
            notes.push(format!(
                "encoder preset {} without {}: {} has none in {}",
                job.preset,
                self.left_away.join(", "),
                the(&self.gpu.name),
                name(job.codec),
            ));
        }
        notes
    }
}
