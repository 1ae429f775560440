//! An application that plays.

use anyhow::{Context, Result};
use pipewire as pw;
use pw::properties::properties;
use pw::spa::pod::Pod;
use pw::stream::{StreamFlags, StreamRc};

use super::thread::{LoopThread, fill, format};
use super::{RATE, Wave};

/// Plays until it is dropped.
#[derive(Debug)]
pub struct Player {
    _thread: LoopThread,
}

impl Player {
    /// Plays `wave` as an application of this name, into the sink `target` or the default. What the
    /// wave has at a time is played at that time.
    ///
    /// # Errors
    /// PipeWire does not answer.
    pub fn start(application: &str, target: Option<&str>, wave: Wave) -> Result<Self> {
        let (application, target) = (application.to_owned(), target.map(str::to_owned));
        let thread = LoopThread::start("player", move |_, core| {
            let mut properties = properties! {
                *pw::keys::MEDIA_TYPE => "Audio",
                *pw::keys::MEDIA_CATEGORY => "Playback",
                *pw::keys::MEDIA_ROLE => "Music",
                *pw::keys::APP_NAME => application.as_str(),
                *pw::keys::NODE_NAME => format!("{application}-stream"),
            };
            if let Some(target) = target {
                properties.insert("target.object", target);
            }
            let stream = StreamRc::new(core.clone(), "player", properties)?;
            let listener = stream
                .add_local_listener::<()>()
                .process(move |stream, ()| {
                    let Ok(time) = stream.time() else { return };
                    let at = |index: usize| time.now() + (index as i64) * 1_000_000_000 / i64::from(RATE);
                    fill(stream, 0, |index| wave(at(index)));
                })
                .register()?;
            let format = format()?;
            stream.connect(
                pw::spa::utils::Direction::Output,
                None,
                StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS,
                &mut [Pod::from_bytes(&format).context("format")?],
            )?;
            Ok((listener, stream))
        })?;
        Ok(Self { _thread: thread })
    }
}
