//! The virtual camera: pictures for other programs.
//!
//! The node and its formats are `ghoststream-camera`'s; here is what makes it an output.

mod card;
mod device;

use std::sync::Arc;

use card::Card;
pub(super) use device::DeviceSink;
use ghoststream_camera::{Audience, Camera, Cards, Input, Pixels, Udmabuf};

use super::{OutputError, PictureOffer, PictureSink};
use crate::av::Picture;
use crate::config::{ConfigError, OutputConfig};
use crate::encode::{Frame, InputSpec};
use crate::stats::{CameraReport, OutputReport};
use crate::{Color, ColorRange, ColorSpace, Error, FrameRate, PixelFormat, Timeline};

/// What a camera's pictures mean, whatever its source and size: what USB cameras send. Browsers do not ask, they take
/// every camera for one (`docs/camera.md`); programs know no HDR camera.
const COLOR: Color = Color::new(ColorSpace::Bt601, ColorRange::Limited);

/// A camera as an output.
pub(crate) struct CameraSink {
    name: String,
    input: InputSpec,
    camera: Camera,
    /// When pictures were made, by the clock that those who look share with us.
    timeline: Timeline,
}

/// Whether a camera may be called so, and can be all that it is to be.
pub(super) fn check(name: &str, config: &OutputConfig) -> Result<(), Error> {
    if config.dmabuf && config.v4l2.is_some() {
        let allowed = "without v4l2: what is written to a device is copied";
        return Err(ConfigError::new("dmabuf", true, allowed).into());
    }
    Ok(ghoststream_camera::check_name(name).map_err(OutputError::from)?)
}

/// What makes DMA-BUFs, where they are wanted; else why there is none.
pub(super) fn dmabufs(wanted: bool) -> (Option<Udmabuf>, Option<String>) {
    let opened = wanted.then(Udmabuf::open);
    let Some(Err(error)) = opened else { return (opened.and_then(Result::ok), None) };
    let why = format!(
        "the camera has its pictures in shared memory and not in DMA-BUFs: {}: {error}. It needs that device \
         (`sudo modprobe udmabuf`) and the right to open it, which the group `kvm` may have",
        Udmabuf::PATH
    );
    (None, Some(why))
}

impl CameraSink {
    /// Makes the camera: from here on programs find it, and get the still card.
    /// With a device that makes them, in DMA-BUFs to those who take them.
    pub(super) fn open(
        name: &str,
        offer: &PictureOffer,
        timeline: Timeline,
        dmabufs: Option<Udmabuf>,
    ) -> Result<Self, OutputError> {
        let input = input(offer, COLOR);
        let card = |headline| -> Arc<dyn Pixels> { Arc::new(Card::new(input.size, headline, name)) };
        let cards = Cards { waiting: card("Waiting for a picture"), paused: card("Paused") };
        let shown = shown(&input, offer);
        let camera = match dmabufs {
            Some(device) => Camera::open_with_dmabufs(name, shown, cards, device)?,
            None => Camera::open(name, shown, cards)?,
        };
        Ok(Self { name: name.to_owned(), input, camera, timeline })
    }
}

/// What pictures are asked of the pipeline.
const fn input(offer: &PictureOffer, color: Color) -> InputSpec {
    InputSpec { format: PixelFormat::Nv12, size: offer.size, color }
}

/// The same as the camera is told.
fn shown(input: &InputSpec, offer: &PictureOffer) -> Input {
    let rate = FrameRate::from_fps(offer.fps);
    Input { format: input.format, size: input.size, color: input.color, rate: (rate.num, rate.den) }
}

/// A picture that is shared with whoever made it.
struct Shared(Picture);

impl Pixels for Shared {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        self.0.plane(index)
    }
}

/// Another reference to a picture.
fn share(picture: &Picture) -> Result<Picture, OutputError> {
    let no_memory = |source| OutputError::Mux { what: "taking another reference to a picture", source };
    picture.share().map_err(no_memory)
}

impl PictureSink for CameraSink {
    fn input(&self) -> InputSpec {
        self.input
    }

    fn audience(&self) -> Option<Audience> {
        Some(self.camera.audience())
    }

    /// The still card: who is in a call need not pick a camera again.
    fn stays(&self) -> bool {
        true
    }

    fn show(&mut self, frame: &Frame) -> Result<(), OutputError> {
        if !self.camera.is_watched() {
            self.camera.skip();
            return Ok(());
        }
        let Some(picture) = frame.picture.memory() else { return Ok(()) };
        let picture = share(picture)?;
        let made = self.timeline.capture_time(frame.pts).unwrap_or(frame.arrived);
        self.camera.show(Arc::new(Shared(picture)), made.as_nanos());
        Ok(())
    }

    /// The camera itself shows the still card.
    fn idle(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    /// It is there until the sink is dropped.
    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn report(&self) -> OutputReport {
        let stats = self.camera.stats();
        let camera = CameraReport {
            name: self.name.clone(),
            opened: stats.opened,
            shown: stats.shown,
            in_dmabufs: stats.in_dmabufs,
            unwatched: stats.unwatched,
            thinned: stats.thinned,
            dropped: stats.dropped,
            cards: stats.cards,
            refused: stats.refused,
        };
        OutputReport { bytes: stats.bytes, camera: Some(camera), ..OutputReport::default() }
    }
}
