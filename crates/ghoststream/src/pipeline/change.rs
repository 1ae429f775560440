//! Outputs that come and go while the pipeline runs.
//!
//! What takes time, to dial a server or to make a file whole, is done in a thread of its own, beside
//! everything else: capture, encoders and the other outputs never wait for it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::builder::RenditionPlan;
use super::outputs::{self, Begin};
use super::pictures::{self, Place};
use super::registry::Entry;
use super::renditions;
use super::shared::{Command, Shared};
use super::{NOT_RUNNING, Pipeline, lock, panicked};
use crate::stats::OutputReport;
use crate::{EncoderConfig, Error, OutputConfig, OutputId, output};

impl Pipeline {
    /// Adds a rendition of the first stream to the running pipeline, and returns its number, for outputs that are
    /// added then. Its encoder is opened for the first of them that takes packets, and closed when the last has gone.
    ///
    /// # Errors
    /// The pipeline does not run, or a value is out of its range.
    pub fn add_rendition(&self, encoder: EncoderConfig) -> Result<usize, Error> {
        self.running()?;
        encoder.validate()?;
        let mut place = lock(&self.shared.pictures);
        let Place { plan, devices, sink } = place.as_deref().ok_or(NOT_RUNNING)?;
        let (mut plan, number) = (plan.clone(), plan.renditions.len());
        plan.renditions.push(RenditionPlan { stream: 0, encoder });
        *place = Some(Arc::new(Place { plan, devices: Arc::clone(devices), sink: sink.clone() }));
        lock(&self.shared.feeds).renditions = number + 1;
        Ok(number)
    }

    /// The same with a name, by which control messages tell it.
    pub(crate) fn add_named_rendition(&self, name: String, encoder: EncoderConfig) -> Result<usize, Error> {
        let mut names = lock(&self.names);
        names.check_new_rendition(&name)?;
        let number = self.add_rendition(encoder)?;
        names.name_rendition(number, name);
        Ok(number)
    }

    /// Adds an output to the running pipeline, of a rendition and of audio tracks that it has. Resolves when
    /// its first picture has got there; while the pipeline is paused, when it is open. Nothing else is
    /// disturbed, however long a server takes to answer. The encoder of a rendition of which nobody takes packets yet
    /// is opened for it, and begins with the source's next frame.
    ///
    /// It begins at a key frame, which is made for it at once, and its own time begins there: a file that
    /// is added late begins at zero like any other. One that takes pictures needs no encoder; it begins with the
    /// source's next frame, and waits for that as long as the start does. Dropping the future withdraws it.
    ///
    /// # Errors
    /// The pipeline does not run or has no such rendition or track; another output writes that file; a live service
    /// takes less than is asked of the rendition; the container does not take the codec that the rendition has been encoded with since the start; or the
    /// output cannot be opened, or fails before its first picture. There is no such output then, and the
    /// same one may be added again.
    pub async fn add_output(&self, output: impl Into<OutputConfig>) -> Result<OutputId, Error> {
        self.running()?;
        let entry = self.shared.outputs.add(&output.into())?;
        let id = entry.id;
        let (added, answer) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        self.shared.outputs.help(&format!("gs-open-{id}"), move || {
            let result = add(&shared, &entry);
            if result.is_err() {
                shared.outputs.forget(id);
                shared.command(Command::OutputGone);
            }
            if let Err(Ok(())) = added.send(result) {
                // Whoever wanted it has gone. As the last output it stays.
                let _ = shared.outputs.release(&entry).map(|it| it.end(&shared).join());
                shared.command(Command::OutputGone);
            }
        })?;
        answer.await.unwrap_or_else(|_| Err(panicked())).map(|()| id)
    }

    /// Ends an output of the running pipeline, with what was captured until now, and makes it whole.
    /// Nothing else is disturbed. Its report is among those at the end, too. One that has ended before
    /// answers with its report again.
    ///
    /// # Errors
    /// The pipeline does not run, there is no such output, it is still being opened, or it is the last:
    /// who wants no output any more stops the pipeline.
    pub async fn remove_output(&self, id: OutputId) -> Result<OutputReport, Error> {
        self.running()?;
        let entry = self.shared.outputs.get(id)?;
        if let Some(report) = entry.report() {
            return Ok(report.clone());
        }
        let output = self.shared.outputs.release(&entry)?;
        let (removed, answer) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        self.shared.outputs.help(&format!("gs-close-{id}"), move || {
            // Whoever asked may have gone; the report is kept.
            let _ = removed.send(output.end(&shared).join());
            shared.command(Command::OutputGone);
        })?;
        answer.await.map_err(|_| panicked())
    }
}

/// Opens an output, lets it join, and waits for its first picture.
fn add(shared: &Arc<Shared>, entry: &Arc<Entry>) -> Result<(), Error> {
    const STOPPED: Error = Error::State("the pipeline was stopped while the output was being opened");
    let commands = shared.sender().ok_or(STOPPED)?;
    let (first, got_there) = oneshot::channel();
    let begin = Begin::Late(first);
    let place = lock(&shared.pictures).clone().ok_or(STOPPED)?;
    let control = || lock(&shared.controls).get(&entry.config.rendition).cloned();
    place.plan.check_late(&entry.config, control().map(|it| it.terms().ceiling))?;
    let output = if output::takes_pictures(&entry.config.output) {
        pictures::spawn(pictures::open_late(&place, entry, shared)?, begin, shared, &commands)?
    } else {
        renditions::open_for(entry, &place, shared, &commands)?;
        outputs::spawn(outputs::open(entry, shared, true)?, begin, shared, &commands)?
    };
    if let Err(output) = shared.outputs.keep(entry, output) {
        output.abandon();
        output.join();
        return Err(STOPPED);
    }
    if let Some(control) = control() {
        control.ask_key_frame();
    }
    if shared.timeline.is_paused() {
        return Ok(());
    }
    got_there.blocking_recv().unwrap_or(Err(STOPPED))
}
