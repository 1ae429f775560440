//! What a pipeline is made of, checked before anything is opened.

use super::Pipeline;
use crate::{
    AudioConfig, CaptureConfig, ConfigError, Container, EncoderConfig, Error, Hdr, Output, OutputConfig,
    output,
};

/// Collects renditions, outputs and audio tracks.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked or made before `build`"]
pub struct PipelineBuilder {
    plan: Plan,
}

/// What was asked for, in the order in which it was said.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) capture: CaptureConfig,
    pub(super) renditions: Vec<RenditionPlan>,
    pub(super) outputs: Vec<OutputConfig>,
    pub(super) audio: Vec<AudioConfig>,
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
            #[cfg(test)]
            double: None,
            #[cfg(test)]
            gpu_double: None,
        };
        Self { plan }
    }

    /// Adds a rendition of the first stream. Outputs refer to renditions by their order, from 0.
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

    /// Adds an audio track. Outputs refer to tracks by their order, from 0.
    pub fn audio(mut self, audio: AudioConfig) -> Self {
        self.plan.audio.push(audio);
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
        Ok(Pipeline::from_plan(self.plan))
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
            audio.validate()?;
        }
        if self.outputs.is_empty() {
            return Err(ConfigError::new("outputs", "none", "at least one output").into());
        }
        self.outputs.iter().try_for_each(|it| self.check_output(it))
    }

    fn check_output(&self, config: &OutputConfig) -> Result<(), Error> {
        if config.rendition >= self.renditions.len() {
            let allowed = format!("below {}, the number of renditions", self.renditions.len());
            return Err(ConfigError::new("rendition", config.rendition, allowed).into());
        }
        let tracks = config.audio_tracks.iter().flatten();
        if let Some(track) = tracks.copied().find(|&it| it >= self.audio.len()) {
            let allowed = format!("below {}, the number of audio tracks", self.audio.len());
            return Err(ConfigError::new("audio-tracks", track, allowed).into());
        }
        if let Output::File { path, .. } = &config.output {
            let same =
                |it: &&OutputConfig| matches!(&it.output, Output::File { path: other, .. } if other == path);
            if self.outputs.iter().filter(same).count() > 1 {
                return Err(
                    ConfigError::new("output", path.display(), "a different file for each output").into()
                );
            }
        }
        output::check(config)
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
        self.outputs
            .iter()
            .filter(|it| takes(it))
            .filter_map(|it| match &it.output {
                Output::File { container, .. } => Some(*container),
                _ => None,
            })
            .collect()
    }
}
