//! The encoders that a rendition can run on: the one that it starts with, and those that may take
//! over should it fail.

use std::sync::Arc;

use super::backend::Backend;
use super::speed::Load;
use super::{EncodeError, Opened, Request, table};
use crate::stats::Refusal;
use crate::{Codec, Container, EncoderChoice, EncoderConfig, Size};

/// Opens a row's encoder for real.
type Open = dyn Fn(Terms) -> Result<Opened, Refusal> + Send + Sync;

/// One encoder that can be opened for a rendition, now and again later.
#[derive(Clone)]
pub(crate) struct Row {
    /// Its name in libavcodec.
    pub(crate) name: &'static str,
    /// Never `Auto`.
    pub(crate) codec: Codec,
    /// Whether a driver stands behind it, whose calls may never return.
    pub(crate) hardware: bool,
    /// Whether it is expected to make as many pictures a second as come.
    pub(crate) keeps_up: bool,
    pub(crate) open: Arc<Open>,
}

/// What has changed for an encoder that is opened later than at the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// The bitrate, where it was changed, in kbit/s.
    pub(crate) kbps: Option<u32>,
    /// Whether it takes over from another. Frames wait, so that it takes an encoder preset with which
    /// it keeps up. And the header of a file says how far its pictures are reordered: it reorders
    /// none, so that it never goes beyond.
    pub(crate) takes_over: bool,
}

/// Every row of the table that may meet the request, in order.
///
/// # Errors
/// The codec that was asked for does not fit a container.
pub(crate) fn rows(request: &Request<'_>) -> Result<Vec<Row>, EncodeError> {
    let config = request.config;
    config.codec.check_fits(request.containers)?;
    let wanted = Arc::new(Wanted::of(request));
    let rows = table::candidates(config.codec, config.encoder, request.containers, config.color.is_hdr());
    Ok(rows.map(|backend| wanted.row(backend)).collect())
}

/// Opens the first row that can be. The rows that may follow it are in the order to try them.
///
/// # Errors
/// None did: every refusal is in the error.
pub(crate) fn open_first(rows: Vec<Row>, asked: Codec) -> Result<(Opened, Vec<Row>), EncodeError> {
    let mut refused = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match (row.open)(Terms::default()) {
            Ok(opened) => return Ok((Opened { refused, ..opened }, succession(rows, index))),
            Err(refusal) => refused.push(refusal),
        }
    }
    Err(EncodeError::NoEncoder { codec: asked, refused })
}

/// The chosen row, then those of its codec that keep up, with which the file goes on; then the
/// others as the table has them.
fn succession(mut rows: Vec<Row>, chosen: usize) -> Vec<Row> {
    let first = rows.remove(chosen);
    rows.sort_by_key(|it| !(it.codec == first.codec && it.keeps_up));
    rows.insert(0, first);
    rows
}

/// A request that outlives the start.
struct Wanted {
    config: EncoderConfig,
    size: Size,
    fps: f64,
    containers: Vec<Container>,
}

impl Wanted {
    fn of(request: &Request<'_>) -> Self {
        Self {
            config: request.config.clone(),
            size: request.size,
            fps: request.fps,
            containers: request.containers.to_vec(),
        }
    }

    fn request<'a>(&'a self, config: &'a EncoderConfig) -> Request<'a> {
        Request { config, size: self.size, fps: self.fps, containers: &self.containers }
    }

    fn row(self: &Arc<Self>, backend: &'static Backend) -> Row {
        let load = Load::new(&self.request(&self.config));
        let fast = |speed| load.expected_fps(speed, load.sustainable(speed, self.config.preset)) >= self.fps;
        let wanted = Arc::clone(self);
        Row {
            name: backend.name,
            codec: backend.codec,
            hardware: backend.kind == EncoderChoice::Nvenc,
            keeps_up: backend.speed.is_none_or(fast),
            open: Arc::new(move |terms| wanted.open(backend, terms)),
        }
    }

    fn open(&self, backend: &'static Backend, terms: Terms) -> Result<Opened, Refusal> {
        let mut config = self.config.clone();
        config.bitrate_kbps = terms.kbps.or(config.bitrate_kbps);
        if terms.takes_over {
            config.b_frames = Some(0);
        }
        if let Some(speed) = backend.speed.filter(|_| terms.takes_over) {
            config.preset = Load::new(&self.request(&config)).sustainable(speed, config.preset);
        }
        table::try_open(backend, &self.request(&config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, codec: Codec, keeps_up: bool) -> Row {
        let refusal = Refusal { encoder: name.into(), reason: "a double".into(), remedy: None };
        Row { name, codec, hardware: false, keeps_up, open: Arc::new(move |_| Err(refusal.clone())) }
    }

    #[test]
    fn the_same_codec_follows_first_where_it_keeps_up() {
        let table = |x265_keeps_up| {
            vec![
                row("av1_nvenc", Codec::AV1, true),
                row("hevc_nvenc", Codec::Hevc, true),
                row("h264_nvenc", Codec::H264, true),
                row("libx264", Codec::H264, true),
                row("libx265", Codec::Hevc, x265_keeps_up),
            ]
        };
        let names = |rows: Vec<Row>| rows.iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(
            names(succession(table(true), 1)),
            ["hevc_nvenc", "libx265", "av1_nvenc", "h264_nvenc", "libx264"]
        );
        assert_eq!(
            names(succession(table(false), 1)),
            ["hevc_nvenc", "av1_nvenc", "h264_nvenc", "libx264", "libx265"]
        );
    }

    #[test]
    fn when_none_opens_every_refusal_is_told() {
        let rows = vec![row("a", Codec::H264, true), row("b", Codec::AV1, true)];
        let Err(EncodeError::NoEncoder { refused, .. }) = open_first(rows, Codec::Auto) else {
            panic!("nothing opens")
        };
        assert_eq!(refused.iter().map(|it| it.encoder.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
