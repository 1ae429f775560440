//! What a failure of SRT means, and what to do about it.

use ghoststream_srt::{Error, Mode, Reject, Target};

use crate::output::live::{LinkError, LinkFault};

/// In words for who typed the URL.
pub(super) fn explain(error: &Error, target: &Target) -> LinkError {
    let settings = target.settings();
    let (fault, remedy) = match error {
        Error::Rejected(reject) => match reject {
            Reject::Timeout => (
                LinkFault::Timeout,
                "is it running and listening, are address and port right, and does a firewall let UDP through?",
            ),
            Reject::WrongPassphrase => (LinkFault::Passphrase, "give it the one that was set there"),
            Reject::Encryption if settings.passphrase.is_some() => {
                (LinkFault::Passphrase, "the peer's has none: leave passphrase out, or set it there as well")
            }
            Reject::Encryption => {
                (LinkFault::Passphrase, "the peer's is wanted: add &passphrase=… to the URL")
            }
            // In a rendezvous nobody is told that a passphrase is wrong.
            Reject::Handshake if target.mode() == Mode::Rendezvous => (
                LinkFault::Protocol,
                "has the other side the same passphrase, and does it call in live mode?",
            ),
            Reject::Version | Reject::Handshake | Reject::Transmission => {
                (LinkFault::Protocol, "is it an SRT server of 1.3 or newer, in live mode?")
            }
            Reject::Backlog => (LinkFault::Refused, "is another stream connected to it?"),
            Reject::Rendezvous => (LinkFault::Refused, "try again"),
            Reject::Application(1401 | 1403) => {
                (LinkFault::Refused, "is the stream id, or the key in it, right?")
            }
            Reject::Application(1402 | 1500..=1504) => (LinkFault::Refused, "try later, or ask who runs it"),
            Reject::Application(1409 | 1423) => {
                (LinkFault::Refused, "end the other stream, or take another stream id")
            }
            _ if settings.stream_id.is_none() => {
                (LinkFault::Refused, "does it want a stream id? Add streamid=… to the URL")
            }
            _ => (LinkFault::Refused, "is the stream id right?"),
        },
        Error::PortInUse => (LinkFault::Address, "take another, or end the program that has it"),
        Error::Lost => (LinkFault::Closed, ""),
        Error::Missing | Error::Library(_) | Error::Option(_) => (LinkFault::Address, ""),
        _ => (LinkFault::Unreachable, ""),
    };
    let text = match error {
        Error::PortInUse => format!("port {} is in use", target.port()),
        other => other.to_string(),
    };
    let between = if remedy.is_empty() { "" } else { "; " };
    LinkError::new(fault, format!("{text}{between}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart_with_what_to_do() {
        let plain = Target::parse("srt://host:9000").unwrap();
        let secret = Target::parse("srt://host:9000?passphrase=unspeakable&streamid=hidden").unwrap();
        let reject = |reason, target| explain(&Error::Rejected(reason), target);
        let cases = [
            (reject(Reject::Timeout, &plain), LinkFault::Timeout, "listening"),
            (reject(Reject::WrongPassphrase, &secret), LinkFault::Passphrase, "set there"),
            (reject(Reject::Encryption, &secret), LinkFault::Passphrase, "leave passphrase out"),
            (reject(Reject::Encryption, &plain), LinkFault::Passphrase, "add &passphrase"),
            (reject(Reject::Peer, &plain), LinkFault::Refused, "streamid="),
            (reject(Reject::Application(2001), &secret), LinkFault::Refused, "stream id right"),
            (reject(Reject::Application(1409), &secret), LinkFault::Refused, "in use"),
            (reject(Reject::Version, &secret), LinkFault::Protocol, "1.3"),
            (explain(&Error::PortInUse, &plain), LinkFault::Address, "port 9000 is in use"),
            (explain(&Error::Missing, &plain), LinkFault::Address, "install"),
        ];
        for (error, fault, part) in cases {
            assert!(error.fault == fault && error.text.contains(part), "{error:?}");
            assert!(!error.text.contains("unspeakable") && !error.text.contains("hidden"), "{error:?}");
        }
    }
}
