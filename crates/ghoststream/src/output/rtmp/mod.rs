//! RTMP and RTMPS.
//!
//! The protocol is `ghoststream-rtmp`'s, which does no I/O; here is how the server is reached ([`connect`],
//! [`dial`]), the socket with or without TLS ([`wire`], [`tls`]), when it is given up ([`watch`]), how soon
//! what was lost is sent again ([`retransmission`]), what is tried in a silence ([`hedge`]), and what packets become ([`link`]).

mod connect;
mod dial;
mod headers;
mod hedge;
mod link;
mod lost;
mod path;
mod retransmission;
mod socket;
mod tls;
mod watch;
mod wire;

use ghoststream_rtmp::Target;

use super::live::{LinkError, LinkFault};
use super::services::{Service, Wanted};

pub(super) use dial::RtmpDial;

/// Takes the URL apart, for whoever wants to know before anything is opened.
pub(super) fn parse(url: &str) -> Result<Target, LinkError> {
    Target::parse(url).map_err(|error| LinkError::new(LinkFault::Address, error.to_string()))
}

/// Whether the service whose server it is takes what is wanted.
pub(super) fn check_service(target: &Target, wanted: &Wanted) -> Result<(), LinkError> {
    let Some(service) = Service::of_host(target.host()) else { return Ok(()) };
    service.check(wanted).map_err(|text| LinkError::new(LinkFault::Address, text))
}
