//! H.264, HEVC and AV1 in hardware: NVIDIA's NVENC, through libavcodec's wrapper.
//!
//! A wish becomes [`choices`] by a table; those are checked against what this FFmpeg ([`features`]) and
//! the GPU ([`check`], asked by a [`probe`]) can do before anything is opened, and put into the wrapper's
//! [`options`]. What the wrapper then still refuses is [explained](explain()) from what it logs.

pub(crate) mod abilities;
mod check;
mod choices;
mod explain;
mod features;
mod frames;
mod handover;
mod options;
pub(crate) mod probe;

pub(super) use explain::explain;
pub(super) use frames::{Feed, FeedError};

use super::wish::{Plan, Unmet, Wish};
use crate::PixelFormat;
use abilities::Abilities;
use check::Job;
use choices::Choices;
use features::Features;

/// What NVENC is opened with for a wish.
pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    plan_with(wish, || match probe::abilities() {
        Ok(abilities) => Ok(Some(abilities)),
        Err(failure) => failure.unmet().map_or(Ok(None), Err),
    })
}

/// The same, for GPUs that can do what `ask` answers; of which nothing is known where it is `None`.
fn plan_with<'m>(
    wish: &Wish<'_>,
    ask: impl FnOnce() -> Result<Option<&'m Abilities>, Unmet>,
) -> Result<Plan, Unmet> {
    let features = Features::of(&wish.info);
    let job = Job::of(wish);
    let choices = Choices::new(wish);
    features::check(&job, &choices, &features)?;
    let format = wish.pick_format(&[PixelFormat::Nv12], &[PixelFormat::P010])?;
    let Some(abilities) = ask()? else {
        return Ok(options::plan(wish, &choices.cautious(), format, wish.config.nvenc.gpu));
    };
    let settled = check::settle(&job, &choices, &features, abilities)?;
    let mut plan = options::plan(wish, &settled.choices, format, Some(settled.gpu));
    plan.follows_bitrate &= settled.dynamic_bitrate;
    plan.notes.extend(settled.notes);
    Ok(plan)
}

#[cfg(test)]
mod tests;
