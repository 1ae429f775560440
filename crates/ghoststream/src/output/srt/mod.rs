//! SRT: MPEG-TS over libsrt, as a caller, a listener or one of two who call each other.
//!
//! libsrt is `ghoststream-srt`'s; here is how the peer is reached ([`dial`]), what packets become
//! ([`stream`]), how they are sent ([`link`]), which of them did not come in time ([`overdue`]), how a peer is missed
//! that has gone without a word ([`silence`]), and what a failure means ([`refusal`]).

mod dial;
mod link;
mod overdue;
mod refusal;
mod silence;
mod stream;

use ghoststream_srt::Target;

use super::live::{LinkError, LinkFault};

pub(super) use dial::SrtDial;

/// Takes the URL apart, for whoever wants to know before anything is opened.
pub(super) fn parse(url: &str) -> Result<Target, LinkError> {
    Target::parse(url).map_err(|error| LinkError::new(LinkFault::Address, error.to_string()))
}
