// Writing a picture, a block of two rows at a time, so that every store is of whole words. Rows are padded:
// what is right of the picture may be anything. Needs params.glsl and kinds.glsl.

// Columns of a block: four or eight. Four do not do for TARGET_PLANES of 8 bits.
#ifndef ACROSS
#define ACROSS 8
#endif

// A block in code values. Chroma is that of each pair of columns. All may have the same bits too much, above the
// lowest 16: `excess` of who writes them.
struct Block {
    uint luma[2][ACROSS];
    uvec2 chroma[ACROSS / 2];
};

// The number of a place in an 8x8 Bayer matrix, as in the crate `ghoststream-picture`, module `dither`. Where
// places are put together bit by bit, so are their numbers.
uint bayer(ivec2 at) {
    uvec2 place = uvec2(at) & 7u;
    uint both = place.x ^ place.y;
    return (both & 1u) << 5 | (place.y & 1u) << 4 | (both & 2u) << 2 | (place.y & 2u) << 1
        | (both & 4u) >> 1 | place.y >> 2;
}

float threshold(uint number) {
    return (float(number) + 0.5) / 64.0;
}

// What is added before a code value is cut off to a whole one: a half, or where the output has fewer bits than
// the source a threshold.
float rounding(ivec2 at) {
    return DITHERED ? threshold(bayer(at)) : 0.5;
}

uint target_code(vec3 colour, vec4 weights, float round_by) {
    return uint(clamp(dot(colour, weights.rgb) + weights.a + round_by, 0.0, params.levels.z));
}

// A code value as it lies in memory.
uint sample_bits(uint code) {
    return TARGET_SAMPLE == SAMPLE_HIGH ? code << 6 : code;
}

// In sums the excess of the last is beyond the highest bit.
uint four_bytes(uint a, uint b, uint c, uint d, uint excess) {
    return (((d << 8) + c) << 16) + ((b << 8) + a) - ((excess << 8) + excess);
}

uint two_samples(uint a, uint b, uint excess) {
    return sample_bits((b << 16) + a - excess);
}

// As many samples as a block is wide.
void put_row(int word, uint codes[ACROSS], uint excess) {
    for (int i = 0; i < ACROSS; i += 4) {
        if (TARGET_SAMPLE == SAMPLE_BYTE) {
            target.words[word + i / 4] =
                four_bytes(codes[i], codes[i + 1], codes[i + 2], codes[i + 3], excess);
        } else {
            target_pairs.pairs[(word + i / 2) >> 1] = uvec2(
                two_samples(codes[i], codes[i + 1], excess), two_samples(codes[i + 2], codes[i + 3], excess));
        }
    }
}

// Half as many.
void put_half_row(int word, uint codes[ACROSS / 2], uint excess) {
#if ACROSS == 8
    if (TARGET_SAMPLE == SAMPLE_BYTE) {
        target.words[word] = four_bytes(codes[0], codes[1], codes[2], codes[3], excess);
        return;
    }
#endif
    for (int i = 0; i < ACROSS / 2; i += 2) {
        target.words[word + i / 2] = two_samples(codes[i], codes[i + 1], excess);
    }
}

// The word of a plane's row where the sample `across` is.
int target_word(int plane, int across, int row) {
    int bytes = TARGET_SAMPLE == SAMPLE_BYTE ? across : across * 2;
    return params.planes[plane] + row * params.size.z + (bytes >> 2);
}

// Writes a block of 4:2:0 at an even place whose column is a multiple of ACROSS.
void put_block(ivec2 at, Block block, uint excess) {
    for (int y = 0; y < 2; y++) {
        if (at.y + y < params.size.y) {
            put_row(target_word(0, at.x, at.y + y), block.luma[y], excess);
        }
    }
    int row = at.y >> 1;
    if (TARGET == TARGET_PAIRS) {
        uint codes[ACROSS];
        for (int i = 0; i < ACROSS; i++) {
            codes[i] = block.chroma[i / 2][i % 2];
        }
        put_row(target_word(1, at.x, row), codes, excess);
        return;
    }
    for (int which = 0; which < 2; which++) {
        uint codes[ACROSS / 2];
        for (int i = 0; i < ACROSS / 2; i++) {
            codes[i] = block.chroma[i][which];
        }
        put_half_row(target_word(1 + which, at.x >> 1, row), codes, excess);
    }
}

// Whether a place of the output is in the picture and not in a bar.
bool in_content(ivec2 at) {
    ivec2 within = at - params.content.xy;
    return all(greaterThanEqual(within, ivec2(0))) && all(lessThan(within, params.content.zw));
}

void put_packed(ivec2 at, vec3 colours[ACROSS]) {
    uint words[ACROSS];
    for (int x = 0; x < ACROSS; x++) {
        uvec3 codes = uvec3(clamp(colours[x] * 255.0 + rounding(at + ivec2(x, 0)), 0.0, 255.0));
        codes = in_content(at + ivec2(x, 0)) ? codes : uvec3(0u);
        words[x] = codes.r << (TARGET_ORDER & 31u)
            | codes.g << (TARGET_ORDER >> 8 & 31u) | codes.b << (TARGET_ORDER >> 16 & 31u);
    }
    int word = params.planes.x + at.y * params.size.z + at.x;
    for (int i = 0; i < ACROSS; i += 4) {
        target_quads.quads[(word + i) >> 2] = uvec4(words[i], words[i + 1], words[i + 2], words[i + 3]);
    }
}

void put_full(ivec2 at, vec3 colours[ACROSS]) {
    uint codes[3][ACROSS];
    for (int x = 0; x < ACROSS; x++) {
        bool inside = in_content(at + ivec2(x, 0));
        float round_by = rounding(at + ivec2(x, 0));
        uint none = uint(params.levels.y);
        codes[0][x] = inside ? target_code(colours[x], params.to_luma, round_by) : uint(params.levels.x);
        codes[1][x] = inside ? target_code(colours[x], params.to_cb, round_by) : none;
        codes[2][x] = inside ? target_code(colours[x], params.to_cr, round_by) : none;
    }
    for (int plane = 0; plane < 3; plane++) {
        put_row(target_word(plane, at.x, at.y), codes[plane], 0u);
    }
}

// Writes a block of colours at an even place whose column is a multiple of ACROSS. `means` is of each pair of
// columns what chroma is made of: both rows' colours, weighed 1-2-1 around the left one. Formats that are not
// 4:2:0 do not read it. Colours outside the picture are not read; there the output is black.
void put(ivec2 at, vec3 colours[2][ACROSS], vec3 means[ACROSS / 2]) {
    if (TARGET == TARGET_FULL || TARGET == TARGET_PACKED) {
        for (int y = 0; y < 2 && at.y + y < params.size.y; y++) {
            if (TARGET == TARGET_FULL) {
                put_full(at + ivec2(0, y), colours[y]);
            } else {
                put_packed(at + ivec2(0, y), colours[y]);
            }
        }
        return;
    }
    Block block;
    for (int y = 0; y < 2; y++) {
        for (int x = 0; x < ACROSS; x++) {
            ivec2 place = at + ivec2(x, y);
            block.luma[y][x] = in_content(place)
                ? target_code(colours[y][x], params.to_luma, rounding(place)) : uint(params.levels.x);
        }
    }
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        ivec2 place = at + ivec2(2 * pair, 0);
        float round_by = rounding(place >> 1);
        block.chroma[pair] = in_content(place)
            ? uvec2(
                target_code(means[pair], params.to_cb, round_by),
                target_code(means[pair], params.to_cr, round_by))
            : uvec2(params.levels.y);
    }
    put_block(at, block, 0u);
}

// What is added to a block's code values, less a half, before they are rounded: luma's of the upper left pixel of
// each two by two, without what the others have more; and chroma's.
struct Rounding {
    float luma[ACROSS / 2];
    float chroma[ACROSS / 2];
};

// That of a block; the same for all that lie a multiple of eight rows below.
Rounding rounding_of(ivec2 at) {
    Rounding by;
    uint number = bayer(at), chroma_number = bayer(at >> 1);
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        // Of two columns and two rows the first has no bit in common with how the others differ from it.
        by.luma[pair] = DITHERED ? threshold(number ^ bayer(ivec2(2 * pair, 0))) - 0.5 : 0.0;
        by.chroma[pair] = DITHERED ? threshold(chroma_number ^ bayer(ivec2(pair, 0))) - 0.5 : 0.0;
    }
    return by;
}

// A code value from -0.5 on, rounded, and above it what a block of such has too much: beyond 2 to the power of 23
// sums have no bits behind the point. On some GPUs that is much cheaper than a conversion.
uint rounded(float code) {
    // Not to be added to any other first.
    precise float sum = code + 12582912.0;
    return floatBitsToUint(sum);
}

const uint ROUNDED = 0x4B400000u;

float code_of(vec3 colour, vec4 weights, float added) {
    return fma(colour.b, weights.b, fma(colour.g, weights.g, fma(colour.r, weights.r, weights.a + added)));
}

// The same for a block that lies in the picture with all of its pixels, in formats of 4:2:0.
void put_whole(ivec2 at, vec3 colours[2][ACROSS], vec3 means[ACROSS / 2], Rounding by) {
    Block block;
    for (int x = 0; x < ACROSS; x++) {
        for (int y = 0; y < 2; y++) {
            float more = DITHERED ? float(bayer(ivec2(x & 1, y))) / 64.0 : 0.0;
            // Within black and white: nothing to be cut off.
            block.luma[y][x] = rounded(code_of(colours[y][x], params.to_luma, by.luma[x / 2] + more));
        }
    }
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        float cb = code_of(means[pair], params.to_cb, by.chroma[pair]);
        float cr = code_of(means[pair], params.to_cr, by.chroma[pair]);
        block.chroma[pair] = uvec2(rounded(min(cb, params.levels.z)), rounded(min(cr, params.levels.z)));
    }
    put_block(at, block, ROUNDED);
}
