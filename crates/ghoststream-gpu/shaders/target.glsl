// Writing a picture, a block of two rows at a time, so that every store is of whole words. Rows are padded:
// what is right of the picture may be anything. Needs params.glsl and kinds.glsl.

// Columns of a block: four or eight. Four do not do for TARGET_PLANES of 8 bits.
#ifndef ACROSS
#define ACROSS 8
#endif

// A block in code values. Chroma is that of each pair of columns.
struct Block {
    uint luma[2][ACROSS];
    uvec2 chroma[ACROSS / 2];
};

// What is added before a code value is cut off to a whole one: a half, or where the output has fewer bits than
// the source the threshold of an 8x8 Bayer matrix, as in the crate `ghoststream-picture`, module `dither`.
float rounding(ivec2 at) {
    if (!DITHERED) {
        return 0.5;
    }
    uvec2 place = uvec2(at) & 7u;
    uint both = place.x ^ place.y;
    uint value = (both & 1u) << 5 | (place.y & 1u) << 4 | (both & 2u) << 2 | (place.y & 2u) << 1
        | (both & 4u) >> 1 | place.y >> 2;
    return (float(value) + 0.5) / 64.0;
}

uint target_code(vec3 colour, vec4 weights, float round_by) {
    return uint(clamp(dot(colour, weights.rgb) + weights.a + round_by, 0.0, params.levels.z));
}

// A code value as it lies in memory.
uint sample_bits(uint code) {
    return TARGET_SAMPLE == SAMPLE_HIGH ? code << 6 : code;
}

uint four_bytes(uint a, uint b, uint c, uint d) {
    return a | b << 8 | c << 16 | d << 24;
}

uint two_samples(uint a, uint b) {
    return sample_bits(a | b << 16);
}

// As many samples as a block is wide.
void put_row(int word, uint codes[ACROSS]) {
    for (int i = 0; i < ACROSS; i += 4) {
        if (TARGET_SAMPLE == SAMPLE_BYTE) {
            target.words[word + i / 4] = four_bytes(codes[i], codes[i + 1], codes[i + 2], codes[i + 3]);
        } else {
            target_pairs.pairs[(word + i / 2) >> 1] =
                uvec2(two_samples(codes[i], codes[i + 1]), two_samples(codes[i + 2], codes[i + 3]));
        }
    }
}

// Half as many.
void put_half_row(int word, uint codes[ACROSS / 2]) {
#if ACROSS == 8
    if (TARGET_SAMPLE == SAMPLE_BYTE) {
        target.words[word] = four_bytes(codes[0], codes[1], codes[2], codes[3]);
        return;
    }
#endif
    for (int i = 0; i < ACROSS / 2; i += 2) {
        target.words[word + i / 2] = two_samples(codes[i], codes[i + 1]);
    }
}

// The word of a plane's row where the sample `across` is.
int target_word(int plane, int across, int row) {
    int bytes = TARGET_SAMPLE == SAMPLE_BYTE ? across : across * 2;
    return params.planes[plane] + row * params.size.z + (bytes >> 2);
}

// Writes a block of 4:2:0 at an even place whose column is a multiple of ACROSS.
void put_block(ivec2 at, Block block) {
    for (int y = 0; y < 2; y++) {
        if (at.y + y < params.size.y) {
            put_row(target_word(0, at.x, at.y + y), block.luma[y]);
        }
    }
    int row = at.y >> 1;
    if (TARGET == TARGET_PAIRS) {
        uint codes[ACROSS];
        for (int i = 0; i < ACROSS; i++) {
            codes[i] = block.chroma[i / 2][i % 2];
        }
        put_row(target_word(1, at.x, row), codes);
        return;
    }
    for (int which = 0; which < 2; which++) {
        uint codes[ACROSS / 2];
        for (int i = 0; i < ACROSS / 2; i++) {
            codes[i] = block.chroma[i][which];
        }
        put_half_row(target_word(1 + which, at.x >> 1, row), codes);
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
        put_row(target_word(plane, at.x, at.y), codes[plane]);
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
    put_block(at, block);
}

// The same for a block that lies in the picture with all of its pixels, in formats of 4:2:0.
void put_whole(ivec2 at, vec3 colours[2][ACROSS], vec3 means[ACROSS / 2]) {
    Block block;
    for (int y = 0; y < 2; y++) {
        for (int x = 0; x < ACROSS; x++) {
            // Within black and white: nothing to be cut off.
            float luma = dot(colours[y][x], params.to_luma.rgb) + params.to_luma.a;
            block.luma[y][x] = uint(luma + rounding(at + ivec2(x, y)));
        }
    }
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        float round_by = rounding((at >> 1) + ivec2(pair, 0));
        float cb = dot(means[pair], params.to_cb.rgb) + params.to_cb.a + round_by;
        float cr = dot(means[pair], params.to_cr.rgb) + params.to_cr.a + round_by;
        block.chroma[pair] = uvec2(min(vec2(cb, cr), params.levels.z));
    }
    put_block(at, block);
}
