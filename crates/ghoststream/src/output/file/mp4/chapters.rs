//! Chapters as MP4 players know them: Nero's `chpl`, which most read, and QuickTime's text track that
//! the pictures' track refers to (QuickTime File Format, "Chapter Lists"), which Apple's read.

use super::boxes::{Put, append_times, boxed, full};
use crate::output::file::chapters::Chapter;

/// Ticks a second of the text track.
const TIMESCALE: u32 = 1000;
/// Chapters that `chpl` can count.
const MOST_NERO: usize = 255;

/// The text track of a file's chapters, whose samples are in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Track<'a> {
    pub(super) chapters: &'a [Chapter],
    /// The number of the track.
    pub(super) id: u32,
    /// Where in the file its samples begin, one after the other.
    pub(super) place: u64,
}

/// The samples, in a box of their own; they begin after its 8 bytes of header.
pub(super) fn samples(chapters: &[Chapter]) -> Vec<u8> {
    let mut out = Vec::new();
    boxed(&mut out, b"mdat", |out| chapters.iter().for_each(|it| append_sample(out, it)));
    out
}

/// A text sample: its length, the text, and that it is UTF-8.
fn append_sample(out: &mut Vec<u8>, chapter: &Chapter) {
    let text = up_to(&chapter.title, usize::from(u16::MAX));
    out.put_u16(text.len() as u16);
    out.extend(text.as_bytes());
    boxed(out, b"encd", |out| out.put_u32(0x100));
}

/// Appends `udta` with Nero's list.
pub(super) fn append_nero(out: &mut Vec<u8>, chapters: &[Chapter]) {
    let chapters = &chapters[..chapters.len().min(MOST_NERO)];
    boxed(out, b"udta", |out| {
        full(out, b"chpl", 1, 0, |out| {
            out.put_u32(0);
            out.push(chapters.len() as u8);
            for chapter in chapters {
                // In units of 100 ns.
                out.put_u64(u64::try_from(chapter.start / 100).unwrap_or(0));
                let title = up_to(&chapter.title, usize::from(u8::MAX));
                out.push(title.len() as u8);
                out.extend(title.as_bytes());
            }
        });
    });
}

impl Track<'_> {
    /// How long it is, in ticks of a movie's timescale.
    pub(super) fn duration(&self, scale: u32) -> u64 {
        u64::from(self.ticks()) * u64::from(scale) / u64::from(TIMESCALE)
    }

    fn ticks(&self) -> u32 {
        self.chapters.last().map_or(0, |it| ticks(it.end))
    }

    /// Appends `trak`. It is disabled: nobody is to show it as subtitles.
    pub(super) fn append(&self, out: &mut Vec<u8>, scale: u32) {
        const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
        boxed(out, b"trak", |out| {
            full(out, b"tkhd", 1, 0, |out| {
                append_times(out, 1);
                out.put_u32(self.id);
                out.put_u32(0);
                out.put_u64(self.duration(scale));
                out.extend([0; 16]);
                IDENTITY.into_iter().for_each(|it| out.put_u32(it));
                out.put_u64(0);
            });
            boxed(out, b"mdia", |out| {
                full(out, b"mdhd", 0, 0, |out| {
                    append_times(out, 0);
                    out.put_u32(TIMESCALE);
                    out.put_u32(self.ticks());
                    // "und", packed.
                    out.put_u16(0x55c4);
                    out.put_u16(0);
                });
                full(out, b"hdlr", 0, 0, |out| {
                    out.put_u32(0);
                    out.extend(b"text");
                    out.extend([0; 13]);
                });
                boxed(out, b"minf", |out| {
                    append_media_header(out);
                    boxed(out, b"dinf", |out| {
                        full(out, b"dref", 0, 0, |out| {
                            out.put_u32(1);
                            // The samples are in this file.
                            full(out, b"url ", 0, 1, |_| {});
                        });
                    });
                    boxed(out, b"stbl", |out| self.append_tables(out));
                });
            });
        });
    }

    fn append_tables(&self, out: &mut Vec<u8>) {
        let count = self.chapters.len() as u32;
        full(out, b"stsd", 0, 0, |out| {
            out.put_u32(1);
            append_text_entry(out);
        });
        full(out, b"stts", 0, 0, |out| {
            out.put_u32(count);
            for chapter in self.chapters {
                out.put_u32(1);
                out.put_u32(ticks(chapter.end) - ticks(chapter.start));
            }
        });
        full(out, b"stsc", 0, 0, |out| {
            out.put_u32(1);
            [1, count, 1].into_iter().for_each(|it| out.put_u32(it));
        });
        full(out, b"stsz", 0, 0, |out| {
            out.put_u32(0);
            out.put_u32(count);
            for chapter in self.chapters {
                let mut sample = Vec::new();
                append_sample(&mut sample, chapter);
                out.put_u32(sample.len() as u32);
            }
        });
        full(out, b"co64", 0, 0, |out| {
            out.put_u32(1);
            out.put_u64(self.place);
        });
    }
}

/// Appends `gmhd`, the header of media that have none of their own.
fn append_media_header(out: &mut Vec<u8>) {
    boxed(out, b"gmhd", |out| {
        full(out, b"gmin", 0, 0, |out| {
            // Copy mode and its colours, balance.
            out.put_u16(0x40);
            [0x8000; 3].into_iter().for_each(|it| out.put_u16(it));
            out.put_u32(0);
        });
        boxed(out, b"text", |out| {
            for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
                out.put_u32(value);
            }
        });
    });
}

/// Appends the text sample description: no box to draw into, the system's font.
fn append_text_entry(out: &mut Vec<u8>) {
    boxed(out, b"text", |out| {
        out.extend([0; 6]);
        // The data reference.
        out.put_u16(1);
        // Display flags, justification, background, box, and what is reserved.
        out.extend([0; 4 + 4 + 6 + 8 + 8]);
        // Font, face, reserved, colour, and a name without letters.
        out.extend([0; 2 + 2 + 1 + 2 + 6 + 1]);
    });
}

fn ticks(nanos: i64) -> u32 {
    let per_tick = 1_000_000_000 / i64::from(TIMESCALE);
    u32::try_from(nanos / per_tick).unwrap_or(u32::MAX)
}

/// As much of a text as fits, by whole characters.
fn up_to(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cut_between_characters() {
        assert_eq!(up_to("aé", 2), "a");
        assert_eq!(up_to("aé", 3), "aé");
        let chapter = |n: i64| Chapter { start: n, end: n + 1, title: "é".repeat(200) };
        let chapters: Vec<_> = (0..300).map(chapter).collect();
        let mut out = Vec::new();
        append_nero(&mut out, &chapters);
        // Two headers of 8 bytes, then version, flags, a reserved word, and the count.
        assert_eq!((out[24], out.len()), (255, 25 + 255 * (8 + 1 + 254)));
    }
}
