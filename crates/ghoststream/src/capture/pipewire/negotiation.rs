//! Where a stream stands in agreeing on its buffers, and what to do when it does not come further.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blocks::NO_MEMORY;
use super::format::{VideoFormat, parse_format, unfixed_modifiers};
use super::gpu::Access;
use super::ladder::Ladder;
use super::offers::{GpuBuffers, Wish, fixed_offers, offers, stream_params};
use super::pod::Object;
use crate::stats::Journal;

/// How long buffers may take to come once a format in a GPU's memory is agreed on.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long whoever makes the buffers may take to choose a modifier, as it should.
const CHOICE: Duration = Duration::from_millis(500);

/// What a stream asks for.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) wish: Wish,
    pub(super) ladder: Ladder,
    /// How buffers in a GPU's memory are looked at; `None` where none are asked for.
    pub(super) access: Option<Access>,
    /// Wakes the thread that negotiates.
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

/// An agreement in a GPU's memory.
#[derive(Clone, Debug)]
struct Agreed {
    format: VideoFormat,
    /// The modifiers to choose from, while nobody has.
    open: Option<Vec<u64>>,
    since: Instant,
    /// Whether buffers came of it.
    buffers: bool,
}

/// A format that is not offered, and came all the same.
#[derive(Debug)]
struct Intruder {
    modifier: u64,
    why: String,
    /// The source may have it from a link before this one: asking once more is enough.
    left_over: bool,
}

/// Where a stream stands.
pub(super) struct Negotiation {
    asking: Asking,
    agreed: Option<Agreed>,
    intruder: Option<Intruder>,
    /// Other buffers were asked for while it was linked, and none have come yet.
    changing: bool,
}

/// What to do about a stream that broke before it had buffers.
pub(super) enum Remedy {
    /// Step down from buffers with this modifier.
    StepDown(u64),
    /// Ask for the same again on a stream of its own: some PipeWires break a link that is to change its buffers.
    AskAgain,
}

/// What is to be done about a stream.
pub(super) enum Care {
    /// Nothing before so long.
    Look(Duration),
    /// These are the formats that it takes from now on.
    Offer(Vec<Object>),
}

impl Negotiation {
    pub(super) const fn new(asking: Asking) -> Self {
        Self { asking, agreed: None, intruder: None, changing: false }
    }

    /// What is asked for now.
    pub(super) const fn asking(&self) -> &Asking {
        &self.asking
    }

    /// The formats that are taken now.
    pub(super) fn offers(&self) -> Vec<Object> {
        offers(self.asking.wish, self.asking.ladder.imports())
    }

    /// A format was agreed on, or none. `Ok(None)` when there is nothing to go on with for now.
    ///
    /// # Errors
    /// It cannot be used, in words.
    pub(super) fn agree(&mut self, bytes: Option<&[u8]>) -> Result<Option<VideoFormat>, String> {
        let Some(bytes) = bytes else { return Ok(None) };
        let mut format = parse_format(bytes)?;
        let open = unfixed_modifiers(bytes);
        if let Some(choice) = &open {
            format.modifier = self.asking.ladder.choose(&format, choice).or(format.modifier);
        }
        if let Err(why) = self.asking.ladder.planes(&format) {
            let left_over = self.asking.ladder.forgives();
            if !left_over && self.asking.ladder.imports().is_none() {
                return Err(why);
            }
            let modifier = format.modifier.unwrap_or_default();
            (self.intruder, self.agreed) = (Some(Intruder { modifier, why, left_over }), None);
            (self.asking.wake)();
            return Ok(None);
        }
        let agreed = Agreed { format, open, since: Instant::now(), buffers: false };
        self.agreed = format.modifier.is_some().then_some(agreed);
        if self.agreed.is_some() {
            // Somebody has to look at the time.
            (self.asking.wake)();
        }
        Ok(Some(format))
    }

    /// What is asked of the buffers of a format.
    pub(super) fn params(&self, format: &VideoFormat) -> Vec<Object> {
        let planes = self.asking.ladder.planes(format).ok().flatten();
        let timelines = self.asking.access.as_ref().is_some_and(Access::timelines);
        stream_params(planes.map(|planes| GpuBuffers { planes, timelines }))
    }

    /// How many planes of memory buffers have, and how to look at them, where they are in a GPU's memory.
    ///
    /// # Errors
    /// They come before their modifier was chosen; others will follow.
    pub(super) fn buffers(&self, format: &VideoFormat) -> Result<Option<(u32, Access)>, String> {
        let (Some(planes), Some(access)) = (self.asking.ladder.planes(format)?, &self.asking.access) else {
            return Ok(None);
        };
        if self.agreed.as_ref().is_some_and(|agreed| agreed.open.is_some()) {
            return Err(NO_MEMORY.into());
        }
        Ok(Some((planes, access.clone())))
    }

    /// A buffer came that can be used.
    pub(super) fn buffer_came(&mut self) {
        self.changing = false;
        self.asking.ladder.agreed();
        if let Some(agreed) = &mut self.agreed {
            agreed.buffers = true;
        }
    }

    /// What may remedy that the stream broke, where it broke before it had buffers.
    pub(super) fn remedy(&self) -> Option<Remedy> {
        let of_gpu = self.agreed.as_ref().filter(|agreed| !agreed.buffers);
        let step = of_gpu.and_then(|agreed| agreed.format.modifier).map(Remedy::StepDown);
        step.or_else(|| self.changing.then_some(Remedy::AskAgain))
    }

    /// Steps down, since buffers with `modifier` cannot be had or used; `false` when there is no step left.
    pub(super) fn step(&mut self, modifier: u64, why: &str, journal: &Journal) -> bool {
        let Some(next) = self.asking.ladder.step(modifier) else { return false };
        journal.note(format!(
            "the source's pictures in GPU memory (modifier {modifier:#x}) cannot be used: {why}; {next}"
        ));
        self.agreed = None;
        true
    }

    /// Looks at what was refused, and at the time.
    pub(super) fn care(&mut self, refused: Option<(u64, String)>, journal: &Journal) -> Care {
        let intruder = self.intruder.take();
        if let Some(Intruder { why, .. }) = intruder.as_ref().filter(|it| it.left_over) {
            // When formats are offered anew, a source that has one negotiates as well.
            tracing::debug!(why, "the source has its format of before; it is asked again");
            return self.change();
        }
        let intruder = intruder.map(|it| (it.modifier, it.why));
        // What came late of buffers that were left before is no news.
        let current = self.agreed.as_ref().and_then(|agreed| agreed.format.modifier);
        let refused = refused.filter(|(modifier, _)| Some(*modifier) == current);
        if let Some((modifier, why)) = intruder.or(refused)
            && self.step(modifier, &why, journal)
        {
            return self.change();
        }
        match &self.agreed {
            Some(agreed) if !agreed.buffers => {}
            _ => return Care::Look(Duration::MAX),
        }
        self.hurry(journal)
    }

    /// Buffers of a GPU's were agreed on, and none have come: looks at the time.
    fn hurry(&mut self, journal: &Journal) -> Care {
        let Some(agreed) = &mut self.agreed else { return Care::Look(Duration::MAX) };
        let passed = agreed.since.elapsed();
        let (format, modifier) = (agreed.format, agreed.format.modifier.unwrap_or_default());
        let limit = if agreed.open.is_some() { CHOICE } else { PATIENCE };
        if passed < limit {
            return Care::Look(limit - passed);
        }
        if agreed.open.take().is_some() {
            agreed.since = Instant::now();
            return Care::Offer(fixed_offers(self.asking.wish, &format, modifier));
        }
        if self.step(modifier, &format!("no buffers that can be used came within {PATIENCE:?}"), journal) {
            return self.change();
        }
        Care::Look(Duration::MAX)
    }

    fn change(&mut self) -> Care {
        self.changing = true;
        Care::Offer(self.offers())
    }
}
