//! A V4L2 device as a camera: for programs that know no PipeWire camera.

use std::path::Path;
use std::time::{Duration, Instant};

use ghoststream_camera::{Audience, Device, Pixels};

use super::Card;
use crate::encode::{Frame, InputSpec};
use crate::output::{OutputError, PictureOffer, PictureSink};
use crate::stats::{CameraReport, OutputReport};
use crate::{Color, ColorRange, ColorSpace};

/// What its pictures mean, which devices are told.
const COLOR: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
/// Without a picture for so long, whoever looks gets the still card.
const STILL_AFTER: Duration = Duration::from_secs(1);

/// A device that pictures are written to.
pub(crate) struct DeviceSink {
    device: Device,
    input: InputSpec,
    card: Card,
    last: Instant,
    bytes: u64,
    report: CameraReport,
}

impl DeviceSink {
    /// Opens the device. What it is called is its own business; `name` stands on the still card. It gets that at once:
    /// many devices are no camera, to who looks for one, before their first picture.
    pub(crate) fn open(name: &str, path: &Path, offer: &PictureOffer) -> Result<Self, OutputError> {
        let input = super::input(offer, COLOR);
        let mut device = Device::open(path, super::shown(&input, offer))?;
        tracing::debug!(card = device.card(), agreed = %device.agreed(), "V4L2 device");
        let cards = u64::from(device.show(&Card::new(input.size, "Waiting for a picture", name))? > 0);
        let card = Card::new(input.size, "Paused", name);
        let report =
            CameraReport { name: device.card().to_owned(), opened: 1, cards, ..CameraReport::default() };
        Ok(Self { device, input, card, last: Instant::now(), bytes: 0, report })
    }
}

impl PictureSink for DeviceSink {
    fn input(&self) -> InputSpec {
        self.input
    }

    /// A device does not say who reads it.
    fn audience(&self) -> Option<Audience> {
        None
    }

    /// The still card.
    fn stays(&self) -> bool {
        true
    }

    fn show(&mut self, frame: &Frame) -> Result<(), OutputError> {
        let Some(picture) = frame.picture.memory() else { return Ok(()) };
        let picture = super::Shared(super::share(picture)?);
        match self.device.show(&picture as &dyn Pixels)? {
            0 => self.report.dropped += 1,
            bytes => {
                self.report.shown += 1;
                self.bytes += bytes as u64;
            }
        }
        self.last = Instant::now();
        Ok(())
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        if self.last.elapsed() > STILL_AFTER && self.device.show(&self.card)? > 0 {
            self.report.cards += 1;
        }
        Ok(())
    }

    /// Every picture was written when it came.
    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn report(&self) -> OutputReport {
        OutputReport { bytes: self.bytes, camera: Some(self.report.clone()), ..OutputReport::default() }
    }
}
