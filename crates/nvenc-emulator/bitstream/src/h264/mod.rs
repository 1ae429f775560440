//! H.264 (ITU-T H.264): frames in slices of CAVLC, one macroblock type for each way of prediction, the 4x4
//! transform, no deblocking, no motion.
//!
//! ```text
//! parameters  sequence and picture parameter sets      level
//! references  what decoders hold, list and forget      slice      what slice headers say of it
//! macroblock  how each is predicted                    intra, inter
//! residual    what is left, as levels and back         transform
//! syntax      macroblocks as bits                      cavlc, counts
//! ```

mod cavlc;
mod cavlc_tables;
mod counts;
mod inter;
mod intra;
mod layout;
mod level;
mod macroblock;
mod parameters;
mod references;
mod residual;
mod slice;
mod surface;
mod syntax;
mod transform;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::layout::Layout;
use self::macroblock::{Frame, code_slice};
use self::references::Buffer;
use self::residual::{Coding, Quantizers};
use self::slice::Header;
use self::surface::Surface;
use self::transform::{Quantizer, chroma_quantizer};
use crate::{Coded, Coder, Kind, Picture, Plan, Quality, Stream};

/// Rows of macroblocks that make it worth to have one more slice, which threads code at once.
const ROWS_A_SLICE: usize = 16;

/// A writer of one stream.
#[derive(Debug)]
pub struct H264 {
    stream: Stream,
    buffer: Buffer,
    /// Key pictures so far.
    keys: u32,
}

impl H264 {
    /// A writer that has written nothing.
    pub fn new(stream: Stream) -> Self {
        let buffer = Buffer::new(stream.kept());
        Self { stream, buffer, keys: 0 }
    }

    /// How samples are coded, and QP_Y.
    fn coding(&self, quality: Quality) -> (Coding, i32) {
        // The finest quantiser of more than 8 bits is below 0.
        let offset = 6 * (i32::from(self.stream.format.depth) - 8);
        let quantizer = match quality {
            Quality::Exact if !self.stream.exact => return (Coding::Raw, 0),
            Quality::Exact => -offset,
            Quality::Quantizer(quantizer) => i32::from(quantizer.min(51)),
        };
        if self.stream.exact && quantizer == -offset {
            return (Coding::Bypassed, quantizer);
        }
        let luma = Quantizer::new((quantizer + offset) as u32);
        let chroma = Quantizer::new((chroma_quantizer(quantizer) + offset) as u32);
        let lambda = (luma.step() / 10).max(1);
        (Coding::Quantized(Box::new(Quantizers { luma, chroma, lambda })), quantizer)
    }
}

impl Coder for H264 {
    fn headers(&self) -> Vec<u8> {
        parameters::parameter_sets(&self.stream)
    }

    fn encode(&self, picture: &Picture, plan: &Plan, quality: Quality) -> Coded {
        assert_eq!(picture.format, self.stream.format, "a picture of another form than the stream");
        let layout = Layout::of(picture.format);
        let (coding, quantizer) = self.coding(quality);
        // 0 and 1 in turns: two key pictures in a row must differ.
        let header = Header::new(plan, &self.buffer, self.keys % 2, quantizer);
        let frame = Frame { source: picture, layout, header, coding };
        let mut whole = Picture::filled(layout.whole(), [0; 3]);
        let slices = Surface::split(layout, &mut whole, layout.high.div_ceil(ROWS_A_SLICE));
        let slices = std::thread::scope(|scope| {
            let start = |surface| {
                let thread = std::thread::Builder::new().name("h264 slice".to_owned());
                thread.spawn_scoped(scope, || code_slice(&frame, surface)).expect("a thread for a slice")
            };
            let threads: Vec<_> = slices.into_iter().map(start).collect();
            let join =
                |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("a slice is coded");
            threads.into_iter().map(join).collect::<Vec<_>>()
        });
        Coded { bytes: slices.concat(), decoded: layout.crop(&whole), whole }
    }

    fn commit(&mut self, plan: &Plan, coded: &Coded) {
        self.keys += u32::from(plan.kind == Kind::Key);
        self.buffer.commit(plan, Arc::new(coded.whole.clone()));
    }

    fn show(&self, _: u32) -> Vec<u8> {
        Vec::new()
    }
}
