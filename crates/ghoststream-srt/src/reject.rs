//! Why a connection did not come about.

use std::fmt;

use crate::functions::reject as raw;

/// The peer's reason, or ours (SRT API, `srt_getrejectreason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// It did not answer. SRT runs over UDP: that nobody listens looks the same.
    Timeout,
    /// Its passphrase is another.
    WrongPassphrase,
    /// One side has a passphrase and the other has none.
    Encryption,
    /// One side's version is too old for the other.
    Version,
    /// It has as many connections waiting as it takes.
    Backlog,
    /// It refused, and did not say why.
    Peer,
    /// What came is no SRT handshake.
    Handshake,
    /// One of the transmission's properties differs: its type, its filter or its congestion control.
    Transmission,
    /// Both sides have chosen the same cookie, or both call: try again.
    Rendezvous,
    /// The server's own reason: 1000 and above as in SRT's access control guidelines, which follow HTTP's
    /// codes (1403: forbidden), 2000 and above as the server's maker likes.
    Application(i32),
    /// Another one of libsrt's reasons.
    Other(i32),
}

impl Reject {
    /// From libsrt's number.
    pub(crate) const fn from_code(code: i32) -> Self {
        match code {
            raw::TIMEOUT => Self::Timeout,
            raw::BADSECRET => Self::WrongPassphrase,
            raw::UNSECURE => Self::Encryption,
            raw::VERSION => Self::Version,
            raw::BACKLOG => Self::Backlog,
            raw::PEER => Self::Peer,
            raw::ROGUE => Self::Handshake,
            raw::MESSAGEAPI | raw::CONGESTION | raw::FILTER | raw::GROUP => Self::Transmission,
            raw::RDVCOOKIE => Self::Rendezvous,
            1000.. => Self::Application(code),
            _ => Self::Other(code),
        }
    }

    /// What the access control guidelines mean by a code, where they name it.
    const fn meaning(code: i32) -> Option<&'static str> {
        Some(match code {
            1001 => "a key in the stream id that it does not know",
            1002 => "no such path",
            1003 => "a host that it does not know",
            1400 => "a stream id that it cannot read",
            1401 => "not authorised",
            1402 => "overloaded",
            1403 => "forbidden",
            1404 => "no such stream",
            1405 => "not in this mode: does the stream id need m=publish?",
            1406 => "what is asked for cannot be had",
            1409 => "the stream is in use",
            1415 => "another kind of media is wanted",
            1423 => "the stream is locked",
            1500 => "it has failed",
            1501 => "not implemented",
            1502 => "the server behind it refused",
            1503 => "it is down",
            1505 => "another version of SRT is wanted",
            1507 => "no room to record",
            _ => return None,
        })
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "it does not answer",
            Self::WrongPassphrase => "the passphrase is not the peer's",
            Self::Encryption => "one side has a passphrase and the other has none",
            Self::Version => "its version of SRT does not go with ours",
            Self::Backlog => "too many wait to be taken already",
            Self::Peer => "it refused without a reason",
            Self::Handshake => "its handshake makes no sense",
            Self::Transmission => "it transmits in another way",
            Self::Rendezvous => "the two sides did not agree who is who",
            Self::Application(code) => match Self::meaning(*code) {
                Some(meaning) => return write!(f, "it refused: {meaning} ({code})"),
                None => return write!(f, "it refused with the code {code}"),
            },
            Self::Other(code) => return write!(f, "it was refused for libsrt's reason {code}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart() {
        let all =
            (0..17).chain([1000, 1403, 1999, 2000, 2500]).map(|code| Reject::from_code(code).to_string());
        let mut all: Vec<_> = all.collect();
        all.sort();
        all.dedup();
        assert_eq!(
            all.len(),
            17 + 5 - 3,
            "only the four properties of a transmission share a text: {all:#?}"
        );
        assert_eq!(Reject::from_code(1403).to_string(), "it refused: forbidden (1403)");
        assert_eq!(Reject::from_code(2500), Reject::Application(2500));
    }
}
