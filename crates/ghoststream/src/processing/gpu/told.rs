//! What a report says of who made the pictures.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::stats::{Histogram, ProcessingReport};

/// What is reported. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    report: Mutex<ProcessingReport>,
    gpu_time: Histogram,
}

impl Told {
    /// With the reason why it was chosen.
    pub(super) fn new(reason: &str) -> Self {
        let this = Self::default();
        this.with(|it| reason.clone_into(&mut it.reason));
        this
    }

    /// What is known now.
    pub(crate) fn report(&self) -> ProcessingReport {
        let gpu_time = self.0.gpu_time.percentiles();
        self.with(|it| ProcessingReport { gpu_time, ..it.clone() })
    }

    /// The GPU took so long for a picture.
    pub(super) fn gpu_took(&self, time: Duration) {
        self.0.gpu_time.record(time);
    }

    pub(super) fn with<T>(&self, body: impl FnOnce(&mut ProcessingReport) -> T) -> T {
        body(&mut self.0.report.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
