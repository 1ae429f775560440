//! The renditions that are encoded: opened with the pipeline or for the first output that takes their packets, and
//! closed when the last one has gone.
//!
//! ```text
//! add_output ──► opened, if nobody had it yet ──► its feed, which the output joins
//! an output has gone ──► supervisor ──► closed, if nobody has it any more: what is inside is encoded, and told
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::encoder::Feed;
use super::lock;
use super::pictures::Place;
use super::ready::{Encoded, Ready};
use super::registry::Entry;
use super::shared::{Command, Shared};
use crate::stats::RenditionReport;
use crate::{Error, output};

/// Reports of renditions that were closed before the end, at most.
const MOST_CLOSED: usize = 1000;

const STOPPED: Error = Error::State("the pipeline was stopped while the output was being opened");

/// Those that are encoded now, by their number, and what became of others.
#[derive(Debug, Default)]
pub(super) struct Renditions {
    inner: Mutex<Inner>,
    /// Held while one is opened or closed, so that nobody joins what is being closed and nothing is opened twice.
    changing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    encoded: BTreeMap<usize, Encoded>,
    reports: Vec<RenditionReport>,
    /// The pipeline ends: none is opened any more.
    closed: bool,
}

impl Renditions {
    /// Keeps one that runs, or gives it back where the pipeline ends.
    pub(super) fn keep(&self, index: usize, encoded: Encoded) -> Result<(), Box<Encoded>> {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return Err(Box::new(encoded));
        }
        inner.encoded.insert(index, encoded);
        Ok(())
    }

    /// Nothing is opened any more.
    pub(super) fn close(&self) {
        lock(&self.inner).closed = true;
    }

    /// Ends those of a pipeline that did not start.
    pub(super) fn abandon(&self) {
        self.close();
        lock(&self.inner).encoded.values().for_each(|it| it.queue.leave());
        let _ = self.join(&mut None);
    }

    /// Waits until every one has ended, once its source has, and reports. Threads that panicked are in `error`, where
    /// nothing else is.
    pub(super) fn join(&self, error: &mut Option<Error>) -> Vec<RenditionReport> {
        // One that is being closed is waited for.
        let changing = lock(&self.changing);
        let encoded = std::mem::take(&mut lock(&self.inner).encoded);
        let mut reports = std::mem::take(&mut lock(&self.inner).reports);
        let (pictures, encoders): (Vec<_>, Vec<_>) =
            encoded.into_values().map(|it| (it.pictures, it.encoder)).unzip();
        for thread in pictures {
            if thread.join().is_err() {
                error.get_or_insert_with(panicked);
            }
        }
        for (report, failed) in encoders.into_iter().map(super::encoder::RunningEncoder::join) {
            reports.push(report);
            *error = error.take().or(failed);
        }
        drop(changing);
        // Those of one rendition stay in the order of their lives.
        reports.sort_by_key(|it| it.rendition);
        reports
    }
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded").finish_non_exhaustive()
    }
}

/// Opens the rendition that an output takes, where nobody has it yet.
///
/// # Errors
/// No frame comes, or its encoder cannot be opened; or the pipeline ends.
pub(super) fn open_for(
    entry: &Entry,
    place: &Place,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
) -> Result<(), Error> {
    let index = entry.config.rendition;
    let renditions = &shared.renditions;
    let _changing = lock(&renditions.changing);
    if index >= place.plan.renditions.len() || lock(&shared.feeds).pictures.contains_key(&index) {
        return Ok(());
    }
    lock(&shared.feeds).check_sound(&entry.config, place.plan.audio.len())?;
    let Place { plan, devices, sink } = place;
    let queue = sink.subscribe(plan.renditions[index].stream);
    let opened = || {
        // What comes while it is opened would be late.
        queue.hold(true);
        // The end, which closes this first, ends only those queues that are there then.
        if lock(&renditions.inner).closed {
            return Err(STOPPED);
        }
        let containers: Vec<_> = output::container(&entry.config).into_iter().collect();
        let mut ready = Ready::open((plan, shared, devices), index, queue.clone(), &containers)?.joining();
        ready.prepare(plan, shared);
        let feed = Arc::new(Feed::new(ready.opened.track.clone()));
        lock(&shared.facts).encodes(index, &ready.opened);
        let encoded = ready.spawn(plan, Arc::clone(&feed), shared, commands)?;
        lock(&shared.feeds).pictures.insert(index, feed);
        queue.hold(false);
        renditions.keep(index, encoded).map_err(|encoded| {
            encoded.queue.leave();
            end(*encoded);
            STOPPED
        })
    };
    opened().inspect_err(|_| {
        queue.leave();
        forget(index, shared);
    })
}

/// Closes every rendition whose packets nobody takes any more.
pub(super) fn close_unused(shared: &Shared) {
    let renditions = &shared.renditions;
    let _changing = lock(&renditions.changing);
    let unused: Vec<(usize, Encoded)> = {
        let mut inner = lock(&renditions.inner);
        // At the end everything is drained in order.
        let taken = |index: &usize| inner.closed || shared.outputs.any_encoded_by(*index);
        let unused: Vec<usize> = inner.encoded.keys().copied().filter(|it| !taken(it)).collect();
        unused.into_iter().filter_map(|it| inner.encoded.remove(&it).map(|encoded| (it, encoded))).collect()
    };
    for (index, encoded) in unused {
        encoded.queue.leave();
        forget(index, shared);
        let (report, error) = end(encoded);
        let mut inner = lock(&renditions.inner);
        if inner.reports.len() < MOST_CLOSED {
            inner.reports.push(report);
        }
        // Nobody wants what it made.
        error.into_iter().for_each(|it| shared.journal.note(format!("rendition {index} ended: {it}")));
    }
}

/// Waits for the threads of one whose queue was left.
fn end(Encoded { pictures, encoder, .. }: Encoded) -> (RenditionReport, Option<Error>) {
    let error = pictures.join().is_err().then(panicked);
    let (report, failed) = encoder.join();
    (report, error.or(failed))
}

/// Nobody asks anything of it any more.
fn forget(index: usize, shared: &Shared) {
    lock(&shared.feeds).pictures.remove(&index);
    lock(&shared.controls).remove(&index);
    lock(&shared.facts).forget(index);
}

fn panicked() -> Error {
    Error::Thread { thread: "picture".to_owned(), reason: "it panicked".to_owned() }
}
