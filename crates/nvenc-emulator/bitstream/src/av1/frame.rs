//! Coding a picture: its header, its tiles, and what a decoder makes of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::planes::subsampling;
use super::sequence::ORDER_HINT_BITS;
use super::tile::{self, Area, Source};
use super::tiles::Tiles;
use crate::{BitWriter, Format, Kind, Picture, Plan};

/// What the header of a coded picture says besides its plan.
#[derive(Debug)]
pub(super) struct Header {
    /// The slots that it is kept in, a bit each.
    pub(super) refresh: u8,
    /// The slot of each reference name, LAST_FRAME to ALTREF_FRAME.
    pub(super) references: [u8; 7],
    /// Whether blocks may refer to the past and the future at once.
    pub(super) compound: bool,
    /// base_q_idx.
    pub(super) quantizer: u8,
    /// The size to show it at, where that is not its own.
    pub(super) render: Option<(usize, usize)>,
}

/// frame_type.
fn frame_type(kind: Kind) -> u32 {
    match kind {
        Kind::Key => 0,
        Kind::P | Kind::B => 1,
        Kind::Intra => 2,
    }
}

/// Writes uncompressed_header() (AV1 5.9.2).
///
/// Every picture starts from the default CDFs and adapts them in each of its tiles; no picture starts from
/// another's.
pub(super) fn write_header(bits: &mut BitWriter, plan: &Plan, header: &Header, tiles: &Tiles) {
    const PRIMARY_REF_NONE: u32 = 7;
    let intra = matches!(plan.kind, Kind::Key | Kind::Intra);
    bits.flag(false); // show_existing_frame
    bits.put(frame_type(plan.kind), 2);
    bits.flag(plan.shown);
    if !plan.shown {
        bits.flag(true); // showable_frame
    }
    if !(plan.kind == Kind::Key && plan.shown) {
        bits.flag(false); // error_resilient_mode
    }
    bits.flag(false); // disable_cdf_update
    bits.flag(false); // frame_size_override_flag
    bits.put(plan.order & ((1 << ORDER_HINT_BITS) - 1), ORDER_HINT_BITS);
    if !intra {
        bits.put(PRIMARY_REF_NONE, 3);
    }
    if !(plan.kind == Kind::Key && plan.shown) {
        bits.put(u32::from(header.refresh), 8);
    }
    if intra {
        write_render_size(bits, header.render);
    } else {
        bits.flag(false); // frame_refs_short_signaling
        for slot in header.references {
            bits.put(u32::from(slot), 3);
        }
        write_render_size(bits, header.render);
        bits.flag(false); // allow_high_precision_mv
        bits.flag(false); // is_filter_switchable
        bits.put(0, 2); // interpolation_filter: EIGHTTAP
        bits.flag(false); // is_motion_mode_switchable
    }
    bits.flag(true); // disable_frame_end_update_cdf
    tiles.write(bits);
    write_quantizer(bits, header.quantizer);
    write_modes(bits, intra, header);
}

fn write_render_size(bits: &mut BitWriter, render: Option<(usize, usize)>) {
    bits.flag(render.is_some());
    if let Some((width, height)) = render {
        bits.put(width as u32 - 1, 16);
        bits.put(height as u32 - 1, 16);
    }
}

/// quantization_params() to loop_filter_params(): one quantiser for all, no segments and no filter.
fn write_quantizer(bits: &mut BitWriter, quantizer: u8) {
    bits.put(u32::from(quantizer), 8);
    bits.flag(false); // DeltaQYDc
    bits.flag(false); // DeltaQUDc
    bits.flag(false); // DeltaQUAc
    bits.flag(false); // using_qmatrix
    bits.flag(false); // segmentation_enabled
    if quantizer > 0 {
        bits.flag(false); // delta_q_present
        bits.put(0, 6); // loop_filter_level[0]
        bits.put(0, 6); // loop_filter_level[1]
        bits.put(0, 3); // loop_filter_sharpness
        bits.flag(false); // loop_filter_delta_enabled
    }
}

/// read_tx_mode() to global_motion_params().
fn write_modes(bits: &mut BitWriter, intra: bool, header: &Header) {
    if header.quantizer > 0 {
        bits.flag(false); // tx_mode_select: the largest transform
    }
    if !intra {
        bits.flag(header.compound); // reference_select
        if header.compound {
            // With a past and a future, skip mode could be present.
            bits.flag(false); // skip_mode_present
        }
    }
    bits.flag(true); // reduced_tx_set
    if !intra {
        bits.put(0, 7); // is_global, for each reference
    }
}

/// The payload of a frame header that shows a slot's picture.
pub(super) fn show(slot: u8) -> Vec<u8> {
    let mut bits = BitWriter::new();
    bits.flag(true); // show_existing_frame
    bits.put(u32::from(slot), 3);
    bits.trailing();
    bits.finish()
}

/// Codes a picture's tiles, several at once: the payload of a tile group, and what a decoder makes of it.
pub(super) fn encode_tiles(source: &Source<'_>, tiles: &Tiles) -> (Vec<u8>, Picture) {
    let areas = tiles.areas();
    let coded = encode_areas(source, &areas);
    let mut decoded = Picture::filled(source.picture.format, [0; 3]);
    let mut bytes = Vec::new();
    if areas.len() > 1 {
        bytes.push(0); // tile_start_and_end_present_flag, and up to the next byte
    }
    for (index, (area, tile)) in areas.iter().zip(&coded).enumerate() {
        if index + 1 < areas.len() {
            let size = tile.bytes.len() as u32 - 1;
            bytes.extend_from_slice(&size.to_le_bytes()[..Tiles::SIZE_BYTES]);
        }
        bytes.extend_from_slice(&tile.bytes);
        place(&mut decoded, *area, tile);
    }
    (bytes, decoded)
}

fn encode_areas(source: &Source<'_>, areas: &[Area]) -> Vec<tile::Coded> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(areas.len());
    let next = AtomicUsize::new(0);
    let work = || -> Vec<(usize, tile::Coded)> {
        let claims = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        claims.map_while(|index| Some((index, tile::encode(source, *areas.get(index)?)))).collect()
    };
    let mut coded = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut coded = work();
        for other in others {
            coded.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        coded
    });
    coded.sort_by_key(|(index, _)| *index);
    coded.into_iter().map(|(_, tile)| tile).collect()
}

/// Copies what of a tile is inside the picture.
fn place(picture: &mut Picture, area: Area, tile: &tile::Coded) {
    let format: Format = picture.format;
    for (plane, (samples, coded)) in picture.planes.iter_mut().zip(&tile.planes).enumerate() {
        let shift = subsampling(format, plane);
        let (width, height) = format.plane(plane);
        let [x, y] = [area.x, area.y].map(|place| place >> shift);
        let wide = coded.width.min(width - x);
        for (row, line) in coded.samples.chunks_exact(coded.width).take(height - y).enumerate() {
            samples[(y + row) * width + x..][..wide].copy_from_slice(&line[..wide]);
        }
    }
}
