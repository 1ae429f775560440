//! How an RTMP server is reached.

use std::net::TcpStream;
use std::time::Duration;

use ghoststream_rtmp::{Session, SessionError, State, Target, VideoCodec};

use super::connect::connect;
use super::headers::Headers;
use super::link::{RtmpLink, Shift};
use super::lost::Lost;
use super::wire::Wire;
use crate::Timestamp;
use crate::encode::Track;
use crate::output::live::{Dial, Link, LinkError, LinkFault, Name, Stop};
use crate::stats::Journal;

/// Reaches one server with one key.
#[derive(Debug)]
pub(in crate::output) struct RtmpDial {
    target: Target,
    name: Name,
    /// The connection before, where it was lost.
    lost: Lost,
    journal: Journal,
    /// Whether a server has ever taken the stream.
    taken: bool,
    /// How far every time is moved, the same for all connections.
    shift: Shift,
}

/// How long a server may take from the first byte to saying that pictures may come.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long it is waited whether a server that takes the first stream thinks better of it: some say that
/// they take it before they have looked at the key.
const SECOND_THOUGHTS: Duration = Duration::from_millis(250);

impl RtmpDial {
    pub(in crate::output) fn new(target: Target, journal: Journal) -> Self {
        let name = Name::new(target.host(), target.port());
        Self { target, name, lost: Lost::default(), journal, taken: false, shift: Shift::default() }
    }
}

impl RtmpDial {
    /// What a server does not know it takes all the same, and its viewers see nothing.
    fn check_codec(&self, known: Option<bool>, codec: VideoCodec) -> Result<(), LinkError> {
        let name = match codec {
            VideoCodec::Avc => "H.264",
            VideoCodec::Hevc => "HEVC",
            VideoCodec::Av1 => "AV1",
        };
        match known {
            Some(true) => Ok(()),
            Some(false) => {
                let text = format!("it says that it takes no {name}; take --codec h264");
                Err(LinkError::new(LinkFault::Refused, text))
            }
            None => {
                if !self.taken {
                    self.journal.note(format!(
                        "{} does not say whether it knows {name}: if its viewers see nothing, take --codec h264",
                        self.target
                    ));
                }
                Ok(())
            }
        }
    }
}

impl Dial for RtmpDial {
    fn dial(&mut self, tracks: &[Track], stop: &Stop) -> Result<Box<dyn Link>, LinkError> {
        let made = self.lost.take_next();
        let headers = Headers::of(tracks)?;
        super::check_service(&self.target, &headers.wanted())?;
        if let Some(socket) = made {
            match self.over(socket, Headers::of(tracks)?, stop) {
                Err(error) => tracing::debug!(%error, "the connection that was made meanwhile is of no use"),
                link => return link,
            }
        }
        let socket = connect(&mut self.name, stop)?;
        self.over(socket, headers, stop)
    }

    fn is_reached(&self) -> bool {
        self.lost.has_next()
    }

    fn peer(&self) -> String {
        self.target.to_string()
    }
}

impl RtmpDial {
    /// Publishes over a connection; the one before it is ended first.
    fn over(&mut self, socket: TcpStream, headers: Headers, stop: &Stop) -> Result<Box<dyn Link>, LinkError> {
        self.lost.reset();
        let mut wire = Wire::new(socket, self.target.tls().then(|| self.target.host()))?;
        let mut session = Session::new(&self.target, Timestamp::now().as_nanos() as u64);
        publish(&mut wire, &mut session, stop)?;
        self.check_codec(session.knows(headers.metadata.codec), headers.metadata.codec)?;
        if !self.taken {
            hesitate(&mut wire, &mut session, stop)?;
            self.taken = true;
        }
        Ok(Box::new(RtmpLink::new(wire, session, headers, self.shift.clone(), self.lost.clone())))
    }
}

/// Shakes hands, and asks for the application and the stream.
fn publish(wire: &mut Wire, session: &mut Session, stop: &Stop) -> Result<(), LinkError> {
    let until = Timestamp::now() + PATIENCE;
    while session.state() != State::Live {
        if stop.is_raised() {
            return Err(LinkError::given_up());
        }
        if Timestamp::now() > until {
            return Err(LinkError::new(LinkFault::Timeout, waited_for(session.state())));
        }
        talk(wire, session)?;
    }
    Ok(())
}

/// Waits whether the server hangs up at once.
fn hesitate(wire: &mut Wire, session: &mut Session, stop: &Stop) -> Result<(), LinkError> {
    let until = Timestamp::now() + SECOND_THOUGHTS;
    while Timestamp::now() < until && !stop.is_raised() {
        talk(wire, session)?;
    }
    Ok(())
}

/// Says what is to be said, and hears what comes.
fn talk(wire: &mut Wire, session: &mut Session) -> Result<(), LinkError> {
    wire.give(session.take_output());
    let came = wire.listen(Duration::from_millis(50)).map_err(|error| explain(session.state(), error))?;
    session.input(&came).map_err(|error| refused(&error))
}

/// A server that closes the connection without a word says something by when it does.
fn explain(state: State, error: LinkError) -> LinkError {
    match (state, error.fault) {
        (State::Handshake, LinkFault::Closed) => LinkError::new(
            LinkFault::Protocol,
            "it closed the connection in the handshake: is it an RTMP server, and does it want rtmps://?",
        ),
        (State::Connecting, LinkFault::Closed) => LinkError::new(
            LinkFault::Application,
            "it closed the connection when it heard the application's name; is that right?",
        ),
        (State::Creating | State::Publishing | State::Live, LinkFault::Closed) => LinkError::new(
            LinkFault::Refused,
            "it closed the connection when it heard the stream key; is the key right, and not in use?",
        ),
        _ => error,
    }
}

fn waited_for(state: State) -> &'static str {
    match state {
        State::Handshake => {
            "it took the connection and said nothing; is it an RTMP server, and is it rtmp:// or rtmps:// that it wants?"
        }
        State::Connecting => "it does not answer to the application's name",
        _ => "it does not say whether it takes the stream key",
    }
}

pub(super) fn refused(error: &SessionError) -> LinkError {
    let fault = match error {
        SessionError::Application(_) => LinkFault::Application,
        SessionError::Stream(_) => LinkFault::Refused,
        SessionError::Ended(_) => LinkFault::Closed,
        _ => LinkFault::Protocol,
    };
    let remedy = match error {
        SessionError::Application(_) => "; is the URL right up to the key?",
        SessionError::Stream(_) => "; is the stream key right, and not in use by another program?",
        _ => "",
    };
    LinkError::new(fault, format!("{error}{remedy}"))
}
