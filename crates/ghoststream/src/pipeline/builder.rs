//! What a pipeline is made of, checked before anything is opened.

use super::Pipeline;
use super::sound::Sound;
use crate::config::Names;
use crate::{
    AudioConfig, CaptureConfig, ConfigError, Container, EncoderConfig, Error, Hdr, OutputConfig, output,
};

/// Collects renditions, outputs and audio tracks.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked or made before `build`"]
pub struct PipelineBuilder {
    plan: Plan,
    names: Names,
}

/// What was asked for, in the order in which it was said.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) capture: CaptureConfig,
    pub(super) renditions: Vec<RenditionPlan>,
    pub(super) outputs: Vec<OutputConfig>,
    pub(super) audio: Vec<AudioConfig>,
    /// Which of them are what; settled at the start.
    pub(super) sound: Sound,
    /// What puts doubles in the place of encoders, which fail on demand.
    #[cfg(test)]
    pub(super) double: Option<fn(Vec<crate::encode::Row>) -> Vec<crate::encode::Row>>,
    /// The same for GPUs.
    #[cfg(test)]
    pub(super) gpu_double: Option<crate::processing::gpu::Double>,
}

/// One size, rate and codec of one stream's picture.
#[derive(Clone, Debug)]
pub(super) struct RenditionPlan {
    pub(super) stream: usize,
    pub(super) encoder: EncoderConfig,
}

impl PipelineBuilder {
    pub(super) const fn new(capture: CaptureConfig) -> Self {
        let plan = Plan {
            capture,
            renditions: Vec::new(),
            outputs: Vec::new(),
            audio: Vec::new(),
            sound: Sound::none(),
            #[cfg(test)]
            double: None,
            #[cfg(test)]
            gpu_double: None,
        };
        Self { plan, names: Names { renditions: vec![], audio: vec![], outputs: vec![] } }
    }

    /// Adds a rendition of the first stream. Outputs refer to renditions by their order, from 0. Its encoder is opened
    /// when an output first takes its packets.
    pub fn rendition(self, encoder: EncoderConfig) -> Self {
        self.rendition_of(0, encoder)
    }

    /// Adds a rendition of another stream, where the user may pick several in the portal's dialog.
    pub fn rendition_of(mut self, stream: usize, encoder: EncoderConfig) -> Self {
        self.plan.renditions.push(RenditionPlan { stream, encoder });
        self
    }

    /// Adds an output.
    pub fn output(mut self, output: impl Into<OutputConfig>) -> Self {
        self.plan.outputs.push(output.into());
        self
    }

    /// Adds an audio track. Outputs refer to tracks by their order, from 0. Where every output takes pictures alone, as
    /// cameras do, no sound is captured.
    pub fn audio(mut self, audio: AudioConfig) -> Self {
        self.plan.audio.push(audio);
        self
    }

    /// What control may call renditions and audio tracks, in their order.
    pub(crate) fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Exchanges encoders.
    #[cfg(test)]
    pub(super) const fn double(
        mut self,
        double: fn(Vec<crate::encode::Row>) -> Vec<crate::encode::Row>,
    ) -> Self {
        self.plan.double = Some(double);
        self
    }

    /// Exchanges what makes pictures on a GPU.
    #[cfg(test)]
    pub(super) const fn gpu_double(mut self, double: crate::processing::gpu::Double) -> Self {
        self.plan.gpu_double = Some(double);
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// A value out of its range, an output without its rendition, one that cannot be written to, or
    /// one that is not built yet.
    pub fn build(mut self) -> Result<Pipeline, Error> {
        self.plan.check()?;
        self.plan.capture.hdr |= self.plan.renditions.iter().any(|it| it.encoder.hdr == Hdr::Keep);
        Ok(Pipeline::from_plan(self.plan, self.names))
    }
}

impl Plan {
    fn check(&self) -> Result<(), Error> {
        self.capture.validate()?;
        for rendition in &self.renditions {
            rendition.encoder.validate()?;
            if rendition.stream > 0 && !self.capture.multiple {
                let allowed = "0, unless the capture allows several streams";
                return Err(ConfigError::new("stream", rendition.stream, allowed).into());
            }
        }
        for audio in &self.audio {
            audio.validate_among(&self.audio)?;
        }
        if self.outputs.is_empty() {
            return Err(ConfigError::new("outputs", "none", "at least one output").into());
        }
        self.outputs.iter().try_for_each(|it| self.check_output(it))
    }

    fn check_output(&self, config: &OutputConfig) -> Result<(), Error> {
        config.check(self.renditions.len(), self.audio.len())?;
        let mut same = self.outputs.iter().filter_map(|it| output::same_file(&it.output, &config.output));
        if let Some(path) = same.nth(1) {
            return Err(ConfigError::new("output", path.display(), "a different file for each output").into());
        }
        output::check_service(config, &self.renditions[config.rendition].encoder, self.capture.fps)?;
        output::check(config)
    }

    /// Checks an output that joins while it runs as those at the start are; `ceiling` is the bitrate that its rendition
    /// may have by now, in kbit/s, zero for none.
    pub(super) fn check_late(&self, config: &OutputConfig, ceiling: Option<u32>) -> Result<(), Error> {
        // Whether there is such a rendition is told with those that there are.
        let Some(rendition) = self.renditions.get(config.rendition) else { return Ok(()) };
        let mut encoder = rendition.encoder.clone();
        encoder.bitrate_kbps = ceiling.filter(|it| *it > 0).or(encoder.bitrate_kbps);
        output::check_service(config, &encoder, self.capture.fps)
    }

    /// The renditions that are encoded from the start on: those of which an output takes packets.
    pub(super) fn encoded_renditions(&self) -> Vec<usize> {
        let taken = |rendition: &usize| {
            let mut takers = self.outputs.iter().filter(|it| it.rendition == *rendition);
            takers.any(|it| !output::takes_pictures(&it.output))
        };
        (0..self.renditions.len()).filter(taken).collect()
    }

    /// Whether an output takes packets, or one that does may join: for a rendition that nobody has yet.
    pub(super) fn may_be_heard(&self) -> bool {
        let for_later = |rendition| self.outputs.iter().all(|it| it.rendition != rendition);
        !self.encoded_renditions().is_empty() || (0..self.renditions.len()).any(for_later)
    }

    /// The containers that a rendition's packets must fit.
    pub(super) fn containers_of_rendition(&self, rendition: usize) -> Vec<Container> {
        self.containers(|it| it.rendition == rendition)
    }

    /// The containers that an audio track's packets must fit.
    pub(super) fn containers_of_audio(&self, track: usize) -> Vec<Container> {
        self.containers(|it| it.takes_audio(track))
    }

    fn containers(&self, takes: impl Fn(&OutputConfig) -> bool) -> Vec<Container> {
        self.outputs.iter().filter(|it| takes(it)).filter_map(output::container).collect()
    }
}
