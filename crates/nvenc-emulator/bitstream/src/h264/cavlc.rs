//! Coefficients as bits: residual_block_cavlc, 7.3.5.3.2 and 9.2.

use super::cavlc_tables::{
    COEFF_TOKEN, COEFF_TOKEN_CHROMA_DC, Code, RUN_BEFORE, TOTAL_ZEROS, TOTAL_ZEROS_CHROMA_DC,
};
use crate::bits::BitWriter;

/// What chooses the codes for the number of coefficients.
#[derive(Clone, Copy, Debug)]
pub(super) enum Context {
    /// nC: what the blocks to the left and above have, on average.
    Neighbours(u8),
    /// The DC coefficients of 4:2:0 chroma.
    ChromaDc,
}

/// How many coefficients are not zero.
pub(super) fn count(coefficients: &[i32]) -> u8 {
    coefficients.iter().filter(|&&level| level != 0).count() as u8
}

/// Writes coefficients in scan order.
pub(super) fn write(bits: &mut BitWriter, coefficients: &[i32], context: Context) {
    // Levels from the highest frequency down, each with the zeros in front of it.
    let mut levels = [(0, 0); 16];
    let (mut total, mut run) = (0, 0);
    for &level in coefficients {
        if level == 0 {
            run += 1;
        } else {
            levels[total] = (level, run);
            (total, run) = (total + 1, 0);
        }
    }
    let levels = &mut levels[..total];
    levels.reverse();
    let ones = levels.iter().take(3).take_while(|(level, _)| level.abs() == 1).count();
    put(bits, token(context, total, ones));
    if total == 0 {
        return;
    }
    for &(level, _) in &levels[..ones] {
        bits.flag(level < 0);
    }
    write_levels(bits, &levels[ones..], total, ones);
    let zeros = coefficients.len() - run - total;
    if total < coefficients.len() {
        put(
            bits,
            match context {
                Context::Neighbours(_) => TOTAL_ZEROS[total - 1][zeros],
                Context::ChromaDc => TOTAL_ZEROS_CHROMA_DC[total - 1][zeros],
            },
        );
    }
    let mut left = zeros;
    for &(_, run) in &levels[..total - 1] {
        if left == 0 {
            break;
        }
        put(bits, RUN_BEFORE[left.min(7) - 1][run]);
        left -= run;
    }
}

fn put(bits: &mut BitWriter, (value, count): Code) {
    bits.put(u32::from(value), u32::from(count));
}

fn token(context: Context, total: usize, ones: usize) -> Code {
    match context {
        Context::ChromaDc => COEFF_TOKEN_CHROMA_DC[total][ones],
        Context::Neighbours(0..=1) => COEFF_TOKEN[0][total][ones],
        Context::Neighbours(2..=3) => COEFF_TOKEN[1][total][ones],
        Context::Neighbours(4..=7) => COEFF_TOKEN[2][total][ones],
        Context::Neighbours(_) if total == 0 => (3, 6),
        Context::Neighbours(_) => (((total - 1) << 2 | ones) as u16, 6),
    }
}

/// Writes those levels that are not trailing ones: 9.2.2.1 the other way round.
fn write_levels(bits: &mut BitWriter, levels: &[(i32, usize)], total: usize, ones: usize) {
    let mut suffix = u32::from(total > 10 && ones < 3);
    for (index, &(level, _)) in levels.iter().enumerate() {
        let mut code = level.unsigned_abs() * 2 - 2 + u32::from(level < 0);
        if index == 0 && ones < 3 {
            // One more trailing one would have been counted as such.
            code -= 2;
        }
        write_level(bits, code, suffix);
        suffix = suffix.max(1);
        if level.unsigned_abs() > 3 << (suffix - 1) && suffix < 6 {
            suffix += 1;
        }
    }
}

/// level_prefix, as many zeros and a one, and level_suffix.
fn write_level(bits: &mut BitWriter, code: u32, suffix: u32) {
    if suffix == 0 && code < 14 {
        return bits.put(1, code + 1);
    }
    if suffix == 0 && code < 30 {
        bits.put(1, 15);
        return bits.put(code - 14, 4);
    }
    if suffix > 0 && code < 15 << suffix {
        bits.put(1, (code >> suffix) + 1);
        return bits.put(code & ((1 << suffix) - 1), suffix);
    }
    // From a prefix of 15 on, the suffix grows with the prefix.
    let rest = code - if suffix == 0 { 30 } else { 15 << suffix };
    let mut prefix = 15;
    while rest >= (2 << (prefix - 3)) - 4096 {
        prefix += 1;
    }
    bits.put(0, prefix);
    bits.put(1, 1);
    bits.put(rest + 4096 - (1 << (prefix - 3)), prefix - 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(coefficients: &[i32], context: Context) -> String {
        let mut bits = BitWriter::new();
        write(&mut bits, coefficients, context);
        let count = bits.len();
        let text: String = bits.finish().iter().map(|byte| format!("{byte:08b}")).collect();
        text[..count].to_owned()
    }

    #[test]
    fn blocks_have_the_codes_that_the_tables_give() {
        let block = [0, 3, 0, 1, -1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        // coeff_token(5, 3), three signs, levels 1 and 3, three zeros, of which 1, 0, 0 and 1 before a level.
        let codes = ["0000100", "011", "1", "0010", "111", "10", "1", "1", "01"];
        assert_eq!(bits(&block, Context::Neighbours(0)), codes.concat());
        assert_eq!(bits(&[0; 16], Context::Neighbours(8)), "000011");
        assert_eq!(bits(&[0, 0, 0, -1], Context::ChromaDc), ["1", "1", "000"].concat());
    }

    #[test]
    fn large_levels_take_longer_prefixes() {
        for (code, prefix) in [(30, 15), (30 + 4095, 15), (30 + 4096, 16), (30 + 12287, 16), (30 + 12288, 17)]
        {
            let mut bits = BitWriter::new();
            write_level(&mut bits, code, 0);
            assert_eq!(bits.len(), prefix + 1 + prefix - 3, "{code}");
        }
    }
}
