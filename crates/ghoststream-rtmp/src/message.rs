//! Messages: what chunks are put together to (RTMP 1.0, sections 5.4, 6.1 and 7.1).

/// Types of messages.
pub(crate) mod kind {
    pub(crate) const SET_CHUNK_SIZE: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const ACKNOWLEDGEMENT: u8 = 3;
    pub(crate) const USER_CONTROL: u8 = 4;
    pub(crate) const WINDOW_ACKNOWLEDGEMENT_SIZE: u8 = 5;
    pub(crate) const SET_PEER_BANDWIDTH: u8 = 6;
    pub(crate) const AUDIO: u8 = 8;
    pub(crate) const VIDEO: u8 = 9;
    pub(crate) const DATA_AMF0: u8 = 18;
    pub(crate) const COMMAND_AMF3: u8 = 17;
    pub(crate) const COMMAND_AMF0: u8 = 20;
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    /// The message stream: 0 for what is about the connection.
    pub(crate) stream: u32,
    /// Milliseconds; wraps.
    pub(crate) time: u32,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// One about the connection, whose body is a number.
    pub(crate) fn control(kind: u8, number: u32) -> Self {
        Self { kind, stream: 0, time: 0, body: number.to_be_bytes().to_vec() }
    }
}
