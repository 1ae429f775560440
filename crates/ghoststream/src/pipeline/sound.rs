//! Which output takes which sound, where it does not say.
//!
//! A stream is heard by people: where there are several tracks it takes their mix. Everything else takes each apart.

use super::builder::Plan;
use crate::{AudioConfig, AudioSource, ConfigError, OutputConfig, output};

/// The audio tracks of a pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Sound {
    /// Those that are no mixes.
    apart: Vec<usize>,
    /// The first mix, and whether it was asked for.
    mix: Option<(usize, bool)>,
}

impl Sound {
    /// Nothing is heard.
    pub(super) const fn none() -> Self {
        Self { apart: Vec::new(), mix: None }
    }

    /// The same output with the tracks that it takes, where there is a choice.
    ///
    /// # Errors
    /// It takes one track only, and there are several without a mix.
    pub(super) fn settle(&self, config: &OutputConfig) -> Result<OutputConfig, ConfigError> {
        let config = config.clone();
        if self.apart.len() < 2 || config.audio_tracks.is_some() || output::takes_pictures(&config.output) {
            return Ok(config);
        }
        Ok(match self.mix {
            Some((mix, _)) if output::is_live(&config.output) => config.with_audio_tracks([mix]),
            None if output::is_live(&config.output) => {
                let allowed = "the number of one track, since there was no stream at the start and no mix was \
                               made: name it, or add a track of their mix (audio = mix) before the start";
                return Err(ConfigError::new("audio-tracks", "all", allowed));
            }
            Some((_, true)) | None => config,
            Some((_, false)) => config.with_audio_tracks(self.apart.clone()),
        })
    }
}

impl Plan {
    /// Adds a mix where a stream needs one, and settles which output takes what.
    ///
    /// # Errors
    /// None while there is a mix for each stream.
    pub(super) fn settle_sound(&mut self) -> Result<(), ConfigError> {
        let is_mix = |it: &AudioConfig| matches!(it.source, AudioSource::Mix(_));
        let apart: Vec<usize> = (0..self.audio.len()).filter(|&it| !is_mix(&self.audio[it])).collect();
        let asked = self.audio.iter().position(is_mix);
        let needed = |it: &OutputConfig| it.audio_tracks.is_none() && output::is_live(&it.output);
        let mut mix = asked.map(|it| (it, true));
        if mix.is_none() && apart.len() > 1 && self.outputs.iter().any(needed) {
            mix = Some((self.audio.len(), false));
            self.audio.push(AudioConfig::new(AudioSource::Mix(Vec::new())));
        }
        self.sound = Sound { apart, mix };
        let settled = self.outputs.iter().map(|it| self.sound.settle(it)).collect::<Result<_, _>>()?;
        self.outputs = settled;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Pipeline;
    use crate::{AudioConfig, AudioSource, CaptureConfig, EncoderConfig, Error, Output, OutputConfig};

    fn rtmp() -> OutputConfig {
        OutputConfig::new(Output::Rtmp { url: "rtmp://127.0.0.1/app/key".into() })
    }

    fn file() -> OutputConfig {
        let path = std::env::temp_dir().join("ghoststream-nothing-is-written.mkv");
        OutputConfig::new(Output::File { path, container: crate::Container::Matroska })
    }

    /// The tracks of each output, and the number of all.
    fn settled(sources: &[AudioSource], outputs: &[OutputConfig]) -> (Vec<Option<Vec<usize>>>, usize) {
        let builder = Pipeline::builder(CaptureConfig::default()).rendition(EncoderConfig::default());
        let builder = sources.iter().fold(builder, |it, source| it.audio(AudioConfig::new(source.clone())));
        let pipeline = outputs.iter().fold(builder, |it, output| it.output(output.clone())).build().unwrap();
        let mut plan = pipeline.plan.lock().unwrap().take().unwrap();
        plan.settle_sound().unwrap();
        (plan.outputs.iter().map(|it| it.audio_tracks.clone()).collect(), plan.audio.len())
    }

    #[test]
    fn a_stream_takes_the_mix_of_several_tracks_and_a_file_each_apart() {
        let two = [AudioSource::Desktop, AudioSource::Microphone];
        assert_eq!(settled(&two, &[rtmp(), file()]), (vec![Some(vec![2]), Some(vec![0, 1])], 3));
        assert_eq!(settled(&two[..1], &[rtmp(), file()]), (vec![None, None], 1));
        assert_eq!(settled(&two, &[file()]), (vec![None], 2));
        let named = rtmp().with_audio_tracks([1]);
        assert_eq!(settled(&two, &[named, file()]), (vec![Some(vec![1]), None], 2));
        let asked = [AudioSource::Mix(vec![]), AudioSource::Desktop, AudioSource::Microphone];
        assert_eq!(settled(&asked, &[rtmp(), file()]), (vec![Some(vec![0]), None], 3));
    }

    #[test]
    fn what_is_added_later_takes_what_there_is() {
        let sound = |mix| super::Sound { apart: vec![0, 1], mix };
        let tracks = |mix, config| sound(mix).settle(&config).map(|it| it.audio_tracks);
        assert_eq!(tracks(Some((2, false)), rtmp()), Ok(Some(vec![2])));
        assert_eq!(tracks(Some((2, false)), file()), Ok(Some(vec![0, 1])));
        assert_eq!(tracks(Some((2, true)), file()), Ok(None));
        assert!(tracks(None, rtmp()).is_err_and(|it| it.to_string().contains("audio = mix")));
        assert_eq!(tracks(None, rtmp().with_audio_tracks([1])), Ok(Some(vec![1])));
    }

    #[test]
    fn what_cannot_be_held_or_mixed_is_told_with_what_to_do() {
        let build = |sources: &[AudioSource], output: OutputConfig| {
            let builder = Pipeline::builder(CaptureConfig::default()).rendition(EncoderConfig::default());
            let builder =
                sources.iter().fold(builder, |it, source| it.audio(AudioConfig::new(source.clone())));
            match builder.output(output).build() {
                Err(error @ Error::Config(_)) => error.to_string(),
                other => panic!("{other:?}"),
            }
        };
        let two = [AudioSource::Desktop, AudioSource::Microphone];
        let error = build(&two, rtmp().with_audio_tracks([0, 1]));
        assert!(error.contains("audio = mix"), "{error}");
        for mix in [vec![], vec![0], vec![1, 1], vec![7]] {
            let alone = mix.is_empty();
            let sources = [AudioSource::Mix(mix.clone()), AudioSource::Desktop];
            let error = build(if alone { &sources[..1] } else { &sources }, file());
            assert!(error.contains("a mix of other tracks"), "{mix:?}: {error}");
        }
    }
}
