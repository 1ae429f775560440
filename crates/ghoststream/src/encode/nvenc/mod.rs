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

use super::backend::{Plan, Unmet, Wish};
use crate::PixelFormat;
use abilities::Abilities;
use check::Job;
use choices::Choices;
use features::Features;
use probe::ProbeFailure;

/// What NVENC is opened with for a wish.
pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    plan_with(wish, probe::abilities)
}

/// The same, for GPUs that can do what `ask` answers; or nothing is known of them.
fn plan_with<'m>(
    wish: &Wish<'_>,
    ask: impl FnOnce() -> Result<&'m Abilities, ProbeFailure>,
) -> Result<Plan, Unmet> {
    let features = Features::of(&wish.info);
    let job = Job::of(wish);
    let choices = Choices::new(wish);
    features::check(&job, &choices, &features)?;
    let format = wish.pick_format(&[PixelFormat::Nv12], &[PixelFormat::P010])?;
    let abilities = match ask() {
        Ok(abilities) => abilities,
        Err(failure) => {
            return match failure.unmet() {
                Some(unmet) => Err(unmet),
                None => Ok(cautious(wish, choices, format, &failure)),
            };
        }
    };
    let settled = check::settle(&job, &choices, &features, abilities)?;
    let mut plan = options::plan(wish, &settled.choices, format, Some(settled.gpu));
    plan.follows_bitrate &= settled.dynamic_bitrate;
    plan.notes.extend(settled.notes);
    Ok(plan)
}

/// For GPUs of which nothing is known.
fn cautious(wish: &Wish<'_>, choices: Choices, format: PixelFormat, why: &ProbeFailure) -> Plan {
    let gpu = wish.config.nvenc.gpu;
    let mut plan = options::plan(wish, &choices.cautious(), format, gpu);
    let mut note = format!("NVENC is used without what some GPUs lack: {why}");
    if gpu.is_none() && wish.config.nvenc.device_frames {
        note.push_str("; its pictures go through system memory, unless nvenc.gpu says which GPU encodes");
    }
    plan.notes.push(note);
    plan
}

#[cfg(test)]
mod tests;
