//! A thread with a PipeWire loop, ended and joined by its owner.

use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use pipewire as pw;

/// A loop that runs until it is dropped.
pub(super) struct LoopThread {
    quit: pw::channel::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl LoopThread {
    /// Runs `setup` on a new thread, connected to the daemon, and then the loop for as long as self
    /// lives. What `setup` returns is kept until then.
    pub(super) fn start<T: 'static>(
        name: &str,
        setup: impl FnOnce(&pw::main_loop::MainLoopRc, &pw::core::CoreRc) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let (quit, asked) = pw::channel::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            pw::init();
            let prepared = (|| {
                let main_loop = pw::main_loop::MainLoopRc::new(None)?;
                let context = pw::context::ContextRc::new(&main_loop, None)?;
                let core = context.connect_rc(None).context("connecting to PipeWire")?;
                let kept = setup(&main_loop, &core)?;
                anyhow::Ok((kept, core, main_loop))
            })();
            match prepared {
                Ok((kept, core, main_loop)) => {
                    let quitter = main_loop.clone();
                    let _attached = asked.attach(main_loop.loop_(), move |()| quitter.quit());
                    let _ = ready.send(Ok(()));
                    main_loop.run();
                    // What hangs on the core goes before it.
                    drop(kept);
                    drop(core);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        })?;
        let this = Self { quit, thread: Some(thread) };
        opened.recv().map_err(|_| anyhow!("a sound thread ended early"))??;
        Ok(this)
    }
}

impl std::fmt::Debug for LoopThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopThread").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl Drop for LoopThread {
    fn drop(&mut self) {
        let _ = self.quit.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// 32-bit float, stereo, at [`super::RATE`], as the parameter of a stream.
pub(super) fn format() -> Result<Vec<u8>> {
    use pw::spa::param::audio::{AudioFormat, AudioInfoRaw, MAX_CHANNELS};
    let mut info = AudioInfoRaw::new();
    info.set_format(AudioFormat::F32LE);
    info.set_rate(super::RATE);
    info.set_channels(2);
    let mut position = [0; MAX_CHANNELS];
    position[0] = pw::spa::sys::SPA_AUDIO_CHANNEL_FL;
    position[1] = pw::spa::sys::SPA_AUDIO_CHANNEL_FR;
    info.set_position(position);
    let object = pw::spa::pod::Object {
        type_: pw::spa::utils::SpaTypes::ObjectParamFormat.as_raw(),
        id: pw::spa::param::ParamType::EnumFormat.as_raw(),
        properties: info.into(),
    };
    let value = pw::spa::pod::Value::Object(object);
    let writer = std::io::Cursor::new(Vec::new());
    let written = pw::spa::pod::serialize::PodSerializer::serialize(writer, &value);
    Ok(written.map_err(|error| anyhow!("format: {error:?}"))?.0.into_inner())
}

/// Fills a stream's next buffer with at most `most` samples, `sample(index)` on both channels. Says
/// how many.
pub(super) fn fill(stream: &pw::stream::Stream, most: usize, sample: impl Fn(usize) -> f32) -> usize {
    let Some(mut buffer) = stream.dequeue_buffer() else { return 0 };
    let requested = usize::try_from(buffer.requested()).unwrap_or(0);
    let Some(data) = buffer.datas_mut().first_mut() else { return 0 };
    let Some(bytes) = data.data() else { return 0 };
    let (frames, _) = bytes.as_chunks_mut::<8>();
    let wanted = if most > 0 { most } else { requested };
    let count = if wanted > 0 { wanted.min(frames.len()) } else { frames.len() };
    for (index, frame) in frames[..count].iter_mut().enumerate() {
        let value = sample(index).to_le_bytes();
        frame[..4].copy_from_slice(&value);
        frame[4..].copy_from_slice(&value);
    }
    let chunk = data.chunk_mut();
    *chunk.offset_mut() = 0;
    *chunk.stride_mut() = 8;
    *chunk.size_mut() = (count * 8) as u32;
    count
}
