//! Pictures put into clusters that were laid out without them.
//!
//! ```text
//! libavformat   Cluster[ CRC-32  Timestamp  SimpleBlock(picture's place)  SimpleBlock(sound)  … ]
//! filled        Cluster[ CRC-32  Timestamp  SimpleBlock(     picture     )  SimpleBlock(sound)  … ]
//! ```
//!
//! libavformat copies what it is given four times before it is written, and looks for start codes in it byte by byte.
//! So it is given a few bytes in each picture's place, and everything else as it is; what it makes of that is read
//! here, element by element (RFC 8794), and written again around the pictures. Sizes and checksums are those of what
//! is written.

use std::collections::VecDeque;

use crate::output::file::pieces::Pieces;

/// Elements of a segment (RFC 9559, 5.1.3).
pub(super) const CLUSTER: u32 = 0x1f43_b675;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const SIMPLE_BLOCK: u32 = 0xa3;
/// The checksum of what follows in the same element, at its beginning (RFC 8794, 11.3.1).
const CRC_32: u32 = 0xbf;

/// Clusters with these pictures of the track of this number, the first of them taken first. `None` where they are
/// not what they should be.
pub(super) fn fill(clusters: &[u8], track: u64, pictures: &mut VecDeque<Pieces>) -> Option<Pieces> {
    let mut filled = Pieces::default();
    for element in elements(clusters) {
        put(&element?, track, pictures, &mut filled)?;
    }
    Some(filled)
}

fn put(element: &Element<'_>, track: u64, pictures: &mut VecDeque<Pieces>, to: &mut Pieces) -> Option<()> {
    match element.id {
        CLUSTER | BLOCK_GROUP => {
            let mut children = elements(element.content).peekable();
            let has_crc = children.next_if(|it| it.as_ref().is_some_and(|it| it.id == CRC_32)).is_some();
            let mut filled = Pieces::default();
            for child in children {
                put(&child?, track, pictures, &mut filled)?;
            }
            if has_crc {
                let mut checked = Pieces::default();
                push_header(CRC_32, 4, &mut checked);
                checked.push(&crc(&filled).to_le_bytes());
                checked.append(filled);
                filled = checked;
            }
            push_header(element.id, filled.len(), to);
            to.append(filled);
        }
        BLOCK | SIMPLE_BLOCK => {
            let (number, rest) = vint(element.content)?;
            if number != track {
                to.push(element.whole);
                return Some(());
            }
            // The track's number, two bytes of time, flags.
            let head = element.content.get(..element.content.len() - rest.len() + 3)?;
            let picture = pictures.pop_front()?;
            push_header(element.id, head.len() + picture.len(), to);
            to.push(head);
            to.append(picture);
        }
        _ => to.push(element.whole),
    }
    Some(())
}

fn crc(pieces: &Pieces) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    pieces.slices().for_each(|it| hasher.update(it));
    hasher.finalize()
}

/// An element as it lies in a file.
pub(super) struct Element<'a> {
    /// With the bits that say how long it is.
    pub(super) id: u32,
    pub(super) whole: &'a [u8],
    pub(super) content: &'a [u8],
}

/// The elements of which bytes consist; `None`, once, where they do not.
pub(super) fn elements(mut bytes: &[u8]) -> impl Iterator<Item = Option<Element<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let (element, rest) = element(bytes).map_or((None, &[][..]), |(it, rest)| (Some(it), rest));
        bytes = rest;
        Some(element)
    })
}

fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..length).filter(|it| it.len() <= 4)?;
    let id = id.iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
    let (size, content) = vint(&bytes[length..])?;
    let (content, rest) = content.split_at_checked(usize::try_from(size).ok()?)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    Some((Element { id, whole, content }, rest))
}

/// A number of variable length (RFC 8794, 4), and what follows.
fn vint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let (number, rest) = bytes.split_at_checked(length).filter(|_| length <= 8)?;
    let number = number.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    Some((number & !(1 << (7 * length)), rest))
}

/// Pushes an element's beginning, as short as it can be said.
fn push_header(id: u32, size: usize, to: &mut Pieces) {
    let id = id.to_be_bytes();
    let zeros = id.iter().take_while(|&&it| it == 0).count();
    to.push(&id[zeros..]);
    let size = size as u64;
    // All ones say that the size is not known.
    let length = (1..8).find(|length| size < (1 << (7 * length)) - 1).unwrap_or(8);
    let size = (size | 1 << (7 * length)).to_be_bytes();
    to.push(&size[8 - length..]);
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
