//! The chunk stream (RTMP 1.0, section 5.3): messages are cut into chunks, so that a large picture
//! does not hold up sound.

use std::collections::BTreeMap;

use crate::SessionError;
use crate::bytes::take;
use crate::message::{Message, kind};

/// The size that both sides begin with.
const FIRST_SIZE: usize = 128;
/// The longest message that is taken from a server. It has little to say to who publishes.
const MOST: usize = 1 << 20;
/// Chunk streams that a server may use at once.
const MOST_STREAMS: usize = 64;
/// A time that says that the real one follows in 32 bits.
const EXTENDED: u32 = 0xFF_FFFF;

/// Cuts messages. Every one begins with a full header, so that one who joins midway, or a proxy that
/// drops some, is never at a loss; that costs 11 bytes a picture.
#[derive(Debug)]
pub(crate) struct Writer {
    size: usize,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { size: FIRST_SIZE }
    }

    /// Chunks are this long from the next message on: the message that says so has been written.
    pub(crate) const fn set_size(&mut self, size: usize) {
        self.size = size;
    }

    /// Writes a message whose body comes in parts, on the chunk stream of this number, 2 to 63.
    pub(crate) fn write(&self, chunk_stream: u8, head: &Message, body: &[&[u8]], out: &mut Vec<u8>) {
        let length: usize = body.iter().map(|it| it.len()).sum();
        let short = head.time.min(EXTENDED);
        out.reserve(length + length / self.size * 5 + 18);
        out.push(chunk_stream & 0x3F);
        out.extend(&short.to_be_bytes()[1..]);
        out.extend(&(length as u32).to_be_bytes()[1..]);
        out.push(head.kind);
        out.extend(head.stream.to_le_bytes());
        if short == EXTENDED {
            out.extend(head.time.to_be_bytes());
        }
        let mut room = self.size;
        for mut part in body.iter().copied() {
            while !part.is_empty() {
                if room == 0 {
                    out.push(0xC0 | chunk_stream & 0x3F);
                    if short == EXTENDED {
                        out.extend(head.time.to_be_bytes());
                    }
                    room = self.size;
                }
                let (now, rest) = part.split_at(part.len().min(room));
                out.extend(now);
                room -= now.len();
                part = rest;
            }
        }
    }
}

/// Puts messages together.
#[derive(Debug)]
pub(crate) struct Reader {
    size: usize,
    waiting: Vec<u8>,
    streams: BTreeMap<u32, Partial>,
}

/// What is known of a chunk stream: the header of its last message, and the body so far.
#[derive(Clone, Debug, Default)]
struct Partial {
    message: Message,
    length: usize,
    delta: u32,
    extended: bool,
}

impl Reader {
    pub(crate) const fn new() -> Self {
        Self { size: FIRST_SIZE, waiting: Vec::new(), streams: BTreeMap::new() }
    }

    pub(crate) fn input(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// The next whole message.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, SessionError> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        let mut whole = None;
        while whole.is_none() {
            let mut cursor = rest;
            match self.chunk(&mut cursor)? {
                Some(message) => whole = message,
                None => break,
            }
            rest = cursor;
        }
        self.waiting = rest.to_vec();
        Ok(whole)
    }

    /// Reads a chunk: `None` where it is not all there, and a message where it was the last of one.
    #[allow(clippy::option_option)]
    fn chunk(&mut self, bytes: &mut &[u8]) -> Result<Option<Option<Message>>, SessionError> {
        let Some((format, id)) = basic_header(bytes) else { return Ok(None) };
        if !self.streams.contains_key(&id) {
            if self.streams.len() >= MOST_STREAMS {
                return Err(SessionError::Protocol("it uses too many chunk streams"));
            }
            // Section 5.3.1.2.1; some begin with format 1 all the same, which says how long a message is.
            if format > 1 {
                return Err(SessionError::Protocol("it goes on with a chunk stream that never began"));
            }
        }
        let mut partial = self.streams.get(&id).cloned().unwrap_or_default();
        if message_header(format, &mut partial, bytes).is_none() {
            return Ok(None);
        }
        if partial.length > MOST {
            return Err(SessionError::Protocol("it announces a message that is too long"));
        }
        let missing = partial.length - partial.message.body.len();
        let Some((body, rest)) = bytes.split_at_checked(missing.min(self.size)) else { return Ok(None) };
        *bytes = rest;
        partial.message.body.extend(body);
        let whole = (partial.message.body.len() == partial.length).then(|| {
            let body = std::mem::take(&mut partial.message.body);
            Message { body, ..partial.message.clone() }
        });
        self.streams.insert(id, partial);
        if let Some(message) = &whole {
            self.obey(message)?;
        }
        Ok(Some(whole))
    }

    /// What is about chunks themselves.
    fn obey(&mut self, message: &Message) -> Result<(), SessionError> {
        let number = message.body.first_chunk().map(|it| u32::from_be_bytes(*it));
        match (message.kind, number) {
            (kind::SET_CHUNK_SIZE, Some(size)) if (1..=0x7FFF_FFFF).contains(&size) => {
                self.size = size as usize;
                Ok(())
            }
            (kind::SET_CHUNK_SIZE, _) => Err(SessionError::Protocol("it sets a chunk size that cannot be")),
            (kind::ABORT, Some(id)) => {
                if let Some(partial) = self.streams.get_mut(&id) {
                    partial.message.body.clear();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Format and number of a chunk stream (section 5.3.1.1).
fn basic_header(bytes: &mut &[u8]) -> Option<(u8, u32)> {
    let [first] = take(bytes)?;
    let id = match first & 0x3F {
        0 => 64 + u32::from(take::<1>(bytes)?[0]),
        1 => 64 + u32::from(u16::from_le_bytes(take(bytes)?)),
        id => id.into(),
    };
    Some((first >> 6, id))
}

/// The header of a message, as far as the format repeats it (section 5.3.1.2).
fn message_header(format: u8, partial: &mut Partial, bytes: &mut &[u8]) -> Option<()> {
    let begins = partial.message.body.is_empty();
    let mut time = partial.delta;
    if format < 3 {
        time = u24(bytes)?;
        partial.message.body.clear();
    }
    if format < 2 {
        partial.length = u24(bytes)? as usize;
        partial.message.kind = take::<1>(bytes)?[0];
    }
    if format == 0 {
        partial.message.stream = u32::from_le_bytes(take(bytes)?);
    }
    if format < 3 {
        partial.extended = time == EXTENDED;
    }
    if partial.extended {
        time = u32::from_be_bytes(take(bytes)?);
    }
    match format {
        0 => (partial.message.time, partial.delta) = (time, time),
        3 if !begins => {}
        _ => {
            partial.delta = time;
            partial.message.time = partial.message.time.wrapping_add(time);
        }
    }
    Some(())
}

fn u24(bytes: &mut &[u8]) -> Option<u32> {
    let [a, b, c] = take(bytes)?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message() -> impl Strategy<Value = Message> {
        let time = prop_oneof![0..1000u32, EXTENDED - 2..EXTENDED + 3, any::<u32>()];
        (18..21u8, 0..3u32, time, prop::collection::vec(any::<u8>(), 0..1000))
            .prop_map(|(kind, stream, time, body)| Message { kind, stream, time, body })
    }

    proptest! {
        #[test]
        fn messages_arrive_however_they_are_cut(
            messages in prop::collection::vec((2..6u8, message()), 1..8),
            size in 1..300usize,
            cut in 1..50usize,
        ) {
            let mut bytes = Vec::new();
            let mut writer = Writer::new();
            let told = Message::control(kind::SET_CHUNK_SIZE, size as u32);
            writer.write(2, &told, &[&told.body], &mut bytes);
            writer.set_size(size);
            for (id, it) in &messages {
                let (head, tail) = it.body.split_at(it.body.len() / 3);
                writer.write(*id, it, &[head, tail], &mut bytes);
            }
            let (mut reader, mut got) = (Reader::new(), vec![]);
            for part in bytes.chunks(cut) {
                reader.input(part);
                while let Some(it) = reader.next().unwrap() {
                    got.push(it);
                }
            }
            prop_assert_eq!(got.remove(0), told);
            prop_assert_eq!(got, messages.into_iter().map(|it| it.1).collect::<Vec<_>>());
        }

        #[test]
        fn garbage_harms_nothing(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut reader = Reader::new();
            reader.input(&bytes);
            while let Ok(Some(_)) = reader.next() {}
        }
    }

    #[test]
    fn headers_that_repeat_are_filled_in() {
        let mut reader = Reader::new();
        // Full; same stream with a step; same length and kind; all the same.
        reader.input(&[4, 0, 0, 10, 0, 0, 1, 9, 1, 0, 0, 0, b'a']);
        reader.input(&[0x44, 0, 0, 5, 0, 0, 1, 8, b'b', 0x84, 0, 0, 7, b'c', 0xC4, b'd']);
        let got: Vec<_> = std::iter::from_fn(|| reader.next().unwrap()).collect();
        let times: Vec<_> = got.iter().map(|it| (it.time, it.kind, it.stream, it.body[0])).collect();
        assert_eq!(times, [(10, 9, 1, b'a'), (15, 8, 1, b'b'), (22, 8, 1, b'c'), (29, 8, 1, b'd')]);
    }

    #[test]
    fn what_is_announced_is_bounded() {
        let mut reader = Reader::new();
        reader.input(&[4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0]);
        assert!(matches!(reader.next(), Err(SessionError::Protocol(_))));
    }

    #[test]
    fn a_chunk_stream_begins_with_a_header() {
        for first in [0xFF, 0x83] {
            let mut reader = Reader::new();
            reader.input(&[first; 64]);
            assert!(matches!(reader.next(), Err(SessionError::Protocol(_))), "{first:#x}");
        }
    }
}
