//! What is to be written, where it lies: packets' bytes are not put together first.

use std::ops::Range;
use std::sync::Arc;

use crate::bitstream::Form;

/// Bytes one after another. Long ones of packets are shared, the others are its own.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    own: Vec<u8>,
    pieces: Vec<Piece>,
    length: usize,
}

#[derive(Debug)]
enum Piece {
    Own(Range<usize>),
    Shared(Arc<[u8]>, Range<usize>),
}

impl Pieces {
    /// Fewer bytes are copied sooner than they are found when they are written.
    const LONG: usize = 1024;

    /// How many bytes there are.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Copies bytes to the end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let start = self.own.len();
        self.own.extend_from_slice(bytes);
        self.length += bytes.len();
        match self.pieces.last_mut() {
            Some(Piece::Own(last)) if last.end == start => last.end = self.own.len(),
            _ => self.pieces.push(Piece::Own(start..self.own.len())),
        }
    }

    /// Puts a packet's sample at the end; returns its size.
    pub(super) fn push_sample(&mut self, form: Form, packet: &Arc<[u8]>) -> usize {
        let before = self.length;
        form.each(packet, |length, bytes| {
            if let Some(length) = length {
                self.push(&length);
            }
            if bytes.len() < Self::LONG {
                self.push(&packet[bytes]);
            } else {
                self.share(Arc::clone(packet), bytes);
            }
        });
        self.length - before
    }

    /// Puts others at the end.
    pub(super) fn append(&mut self, others: Self) {
        for piece in others.pieces {
            match piece {
                Piece::Own(range) => self.push(&others.own[range]),
                Piece::Shared(packet, range) => self.share(packet, range),
            }
        }
    }

    /// Where they lie, in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|it| match it {
            Piece::Own(range) => &self.own[range.clone()],
            Piece::Shared(packet, range) => &packet[range.clone()],
        })
    }

    /// Gives up all of them.
    pub(super) fn clear(&mut self) {
        self.own.clear();
        self.pieces.clear();
        self.length = 0;
    }

    fn share(&mut self, packet: Arc<[u8]>, bytes: Range<usize>) {
        self.length += bytes.len();
        self.pieces.push(Piece::Shared(packet, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &Pieces) -> Vec<u8> {
        pieces.slices().flatten().copied().collect()
    }

    #[test]
    fn samples_are_what_their_form_says_and_long_ones_are_not_copied() {
        let long = vec![0x65; 5000];
        let packet = [&[0, 0, 0, 1, 9, 16, 0, 0, 1][..], &long].concat();
        let packet: Arc<[u8]> = packet.into();
        let mut wanted = b"head".to_vec();
        let size = Form::Avc.append(&packet, &mut wanted);

        let mut pieces = Pieces::default();
        pieces.push(b"he");
        pieces.push(b"ad");
        assert_eq!(pieces.push_sample(Form::Avc, &packet), size);
        assert_eq!((all(&pieces), pieces.len()), (wanted.clone(), wanted.len()));
        let slices: Vec<_> = pieces.slices().collect();
        assert_eq!(slices.len(), 2, "what is copied is in one place");
        assert_eq!(slices[1].as_ptr(), packet[9..].as_ptr());

        let mut twice = Pieces::default();
        twice.push(b"more");
        twice.append(pieces);
        assert_eq!(all(&twice), [b"more", &wanted[..]].concat());
        assert_eq!(twice.len(), wanted.len() + 4);
        twice.clear();
        assert_eq!((twice.len(), twice.slices().count()), (0, 0));
    }
}
