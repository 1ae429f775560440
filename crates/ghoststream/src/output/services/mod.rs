//! Live services: where each is, and what it takes. The list is data, `services.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::{Codec, RateControl, Size};

/// A live service.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where its users find their stream key.
    pub key_page: String,
    /// Where to publish, with `{key}` in the place of the key.
    url: String,
    /// Names of its servers; one that begins with a dot is the end of a name.
    hosts: Vec<String>,
    /// What its pictures may be encoded with.
    pub codecs: Vec<Codec>,
    /// How the encoder may spend bits.
    pub rate_controls: Vec<RateControl>,
    /// The bitrate of pictures to take where nobody asks for another, in kbit/s.
    pub usual_kbps: u32,
    /// The highest bitrate of pictures, in kbit/s.
    pub most_kbps: u32,
    /// The highest bitrate of sound, in kbit/s.
    pub most_audio_kbps: u32,
    /// The most seconds from key frame to key frame.
    pub key_frames: f64,
    /// The largest picture.
    most_size: [u32; 2],
    /// The most pictures a second.
    pub most_fps: f64,
}

/// What is to be sent, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) codec: Option<Codec>,
    pub(crate) rate_control: Option<RateControl>,
    /// Nothing is lost, whatever bitrate that takes.
    pub(crate) lossless: bool,
    pub(crate) kbps: Option<u32>,
    pub(crate) audio_kbps: Option<u32>,
    pub(crate) key_frames: Option<f64>,
    pub(crate) size: Option<Size>,
    pub(crate) fps: Option<f64>,
}

/// The services that are known, by the word that the command line has for each.
pub fn services() -> &'static BTreeMap<String, Service> {
    static SERVICES: OnceLock<BTreeMap<String, Service>> = OnceLock::new();
    SERVICES.get_or_init(|| {
        toml::from_str(include_str!("services.toml")).expect("the list is part of the program")
    })
}

impl Service {
    /// The one whose server this is.
    pub fn of_host(host: &str) -> Option<&'static Self> {
        let host = host.to_ascii_lowercase();
        let is = |it: &String| if it.starts_with('.') { host.ends_with(it.as_str()) } else { host == *it };
        services().values().find(|service| service.hosts.iter().any(is))
    }

    /// The one that this URL leads to; whether the URL is right is not looked at.
    pub fn of_url(url: &str) -> Option<&'static Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !["rtmp", "rtmps"].iter().any(|it| scheme.eq_ignore_ascii_case(it)) {
            return None;
        }
        let host = rest.split('/').next()?.rsplit('@').next()?.split(':').next()?;
        Self::of_host(host)
    }

    /// Where to publish with this key: a secret.
    pub fn url(&self, key: &str) -> String {
        self.url.replace("{key}", key)
    }

    /// The largest picture.
    pub const fn most_size(&self) -> Size {
        let [width, height] = self.most_size;
        Size::new(width, height)
    }

    /// Which limit is passed, whose it is, and what to set.
    pub(crate) fn check(&self, wanted: &Wanted) -> Result<(), String> {
        let name = &self.name;
        if let Some(codec) = wanted.codec.filter(|it| *it != Codec::Auto && !self.codecs.contains(it)) {
            let codecs = self.codecs.iter().map(Codec::to_string).collect::<Vec<_>>().join(", ");
            return Err(format!("{name} takes no {codec}, but {codecs}; take --codec {}", self.codecs[0]));
        }
        let over = |value: Option<f64>, most: f64| value.filter(|it| *it > most);
        if let Some(kbps) = over(wanted.kbps.map(f64::from), self.most_kbps.into()) {
            let most = self.most_kbps;
            return Err(format!(
                "{name} takes {most} kbit/s of pictures at most, and {kbps} are asked for; take --bitrate {most}"
            ));
        }
        if let Some(kbps) = over(wanted.audio_kbps.map(f64::from), self.most_audio_kbps.into()) {
            let most = self.most_audio_kbps;
            return Err(format!("{name} takes {most} kbit/s of sound at most, and {kbps} are asked for"));
        }
        if let Some(seconds) = over(wanted.key_frames, self.key_frames) {
            let most = self.key_frames;
            return Err(format!(
                "{name} wants a key frame every {most} seconds at least, and one every {seconds} is asked for; \
                 take --gop 2"
            ));
        }
        self.check_rate_control(wanted)?;
        // Ticks of 60000/1001 and the like are meant as the whole number.
        if let Some(fps) = over(wanted.fps, self.most_fps + 0.5) {
            let most = self.most_fps;
            return Err(format!(
                "{name} takes {most} pictures a second at most, and {fps} are asked for; take --fps {most}"
            ));
        }
        let most = self.most_size();
        // Upright pictures are as welcome.
        let fits = |it: &Size| {
            it.width.max(it.height) <= most.width.max(most.height)
                && it.width.min(it.height) <= most.width.min(most.height)
        };
        if let Some(size) = wanted.size.filter(|it| !fits(it)) {
            return Err(format!(
                "{name} takes pictures of {most} at most, and these have {size}; take --size {most}"
            ));
        }
        Ok(())
    }

    /// What a service takes is at most so many bits, at every moment or on average: no quality, whatever it takes.
    fn check_rate_control(&self, wanted: &Wanted) -> Result<(), String> {
        let (name, first) = (&self.name, self.rate_controls[0]);
        if wanted.lossless {
            return Err(format!("{name} takes no lossless pictures; leave --lossless away"));
        }
        let Some(asked) = wanted.rate_control.filter(|it| !self.rate_controls.contains(it)) else {
            return Ok(());
        };
        let taken = self.rate_controls.iter().map(RateControl::to_string).collect::<Vec<_>>().join(", ");
        let quality = if asked.has_bitrate() { "" } else { ", and leave --quality away" };
        Err(format!("{name} takes no {asked}, but {taken}; take --rate-control {first}{quality}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(word: &str) -> &'static Service {
        &services()[word]
    }

    #[test]
    fn every_service_can_be_published_to_and_knows_its_own_server() {
        for service in services().values() {
            let url = service.url("a-key");
            let target = ghoststream_rtmp::Target::parse(&url).unwrap();
            assert!(target.tls() && target.key() == "a-key", "{target}");
            assert_eq!(Service::of_host(target.host()).unwrap().name, service.name);
            assert!(service.usual_kbps <= service.most_kbps && !service.codecs.is_empty());
            assert_eq!(service.rate_controls[0], RateControl::Cbr, "what a stream has where nobody says");
        }
    }

    #[test]
    fn a_server_is_known_by_its_name() {
        let of = |host| Service::of_host(host).map(|it| it.name.as_str());
        assert_eq!(of("live-fra.twitch.tv"), Some("Twitch"));
        assert_eq!(of("FRA02.contribute.live-video.net"), Some("Twitch"));
        assert_eq!(of("b.rtmps.youtube.com"), Some("YouTube"));
        assert_eq!(of("fa723fc1b171.global-contribute.live-video.net"), Some("Kick"));
        assert_eq!(of("nottwitch.tv"), None);
        assert_eq!(of("127.0.0.1"), None);
        let of = |url| Service::of_url(url).map(|it| it.name.as_str());
        assert_eq!(of("RTMP://me:word@live.twitch.tv:1935/app/a?b"), Some("Twitch"));
        for url in ["rtmp://h/live.twitch.tv", "srt://live.twitch.tv:9", "live.twitch.tv", "rtmp://", ""] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn each_limit_is_told_with_whose_it_is_and_what_to_set() {
        let told = |word, wanted: Wanted| service(word).check(&wanted).unwrap_err();
        let cases = [
            (
                Wanted { codec: Some(Codec::AV1), ..Wanted::default() },
                "Twitch takes no av1, but h264; take --codec h264",
            ),
            (Wanted { kbps: Some(9000), ..Wanted::default() }, "take --bitrate 6000"),
            (Wanted { audio_kbps: Some(400), ..Wanted::default() }, "320 kbit/s of sound"),
            (Wanted { key_frames: Some(5.0), ..Wanted::default() }, "take --gop 2"),
            (
                Wanted { rate_control: Some(RateControl::Vbr), ..Wanted::default() },
                "Twitch takes no vbr, but cbr; take --rate-control cbr",
            ),
            (
                Wanted { rate_control: Some(RateControl::Crf), ..Wanted::default() },
                "take --rate-control cbr, and leave --quality away",
            ),
            (Wanted { lossless: true, ..Wanted::default() }, "leave --lossless away"),
            (Wanted { fps: Some(120.0), ..Wanted::default() }, "take --fps 60"),
            (Wanted { size: Some(Size::new(2560, 1440)), ..Wanted::default() }, "take --size 1920x1080"),
        ];
        for (wanted, part) in cases {
            let text = told("twitch", wanted);
            assert!(text.contains(part) && text.starts_with("Twitch"), "{text}");
        }
        let fits = Wanted {
            codec: Some(Codec::H264),
            rate_control: Some(RateControl::Cbr),
            lossless: false,
            kbps: Some(6000),
            audio_kbps: Some(160),
            key_frames: Some(2.0),
            size: Some(Size::new(1080, 1920)),
            fps: Some(60.0),
        };
        service("twitch").check(&fits).unwrap();
        service("youtube").check(&Wanted { codec: Some(Codec::AV1), kbps: Some(40_000), ..fits }).unwrap();
        // AV1's usual encoder has no constant bitrate.
        service("youtube").check(&Wanted { rate_control: Some(RateControl::Vbr), ..fits }).unwrap();
        let text = told("youtube", Wanted { rate_control: Some(RateControl::Cqp), ..fits });
        assert!(text.contains("takes no cqp, but cbr, vbr"), "{text}");
        service("kick").check(&Wanted::default()).unwrap();
    }
}
