// Writing a picture, eight by two pixels at a time, so that every store is of whole words. Rows are padded:
// what is right of the picture may be anything. Needs params.glsl and kinds.glsl.

// Eight by two pixels in code values. Chroma is that of each pair of columns.
struct Block {
    uint luma[2][8];
    uvec2 chroma[4];
};

// What is added before a code value is cut off to a whole one: a half, or of the dithering's pattern.
float rounding(ivec2 at) {
    return 0.5;
}

uint target_code(vec3 colour, vec4 weights, float round_by) {
    return uint(clamp(dot(colour, weights.rgb) + weights.a + round_by, 0.0, params.levels.z));
}

// A code value as it lies in memory.
uint sample_bits(uint code) {
    return TARGET_SAMPLE == SAMPLE_HIGH ? code << 6 : code;
}

void put_eight(int word, uint codes[8]) {
    if (TARGET_SAMPLE == SAMPLE_BYTE) {
        target_pairs.pairs[word >> 1] = uvec2(
            codes[0] | codes[1] << 8 | codes[2] << 16 | codes[3] << 24,
            codes[4] | codes[5] << 8 | codes[6] << 16 | codes[7] << 24);
    } else {
        target_quads.quads[word >> 2] = uvec4(
            sample_bits(codes[0] | codes[1] << 16), sample_bits(codes[2] | codes[3] << 16),
            sample_bits(codes[4] | codes[5] << 16), sample_bits(codes[6] | codes[7] << 16));
    }
}

void put_four(int word, uvec4 codes) {
    if (TARGET_SAMPLE == SAMPLE_BYTE) {
        target.words[word] = codes.x | codes.y << 8 | codes.z << 16 | codes.w << 24;
    } else {
        target_pairs.pairs[word >> 1] =
            uvec2(sample_bits(codes.x | codes.y << 16), sample_bits(codes.z | codes.w << 16));
    }
}

// The word of a plane's row where the sample `across` is.
int target_word(int plane, int across, int row) {
    int bytes = TARGET_SAMPLE == SAMPLE_BYTE ? across : across * 2;
    return params.planes[plane] + row * params.size.z + (bytes >> 2);
}

// Writes a block of 4:2:0 at an even place whose column is a multiple of eight.
void put_block(ivec2 at, Block block) {
    for (int y = 0; y < 2; y++) {
        if (at.y + y < params.size.y) {
            put_eight(target_word(0, at.x, at.y + y), block.luma[y]);
        }
    }
    int row = at.y >> 1;
    uvec2 chroma[4] = block.chroma;
    if (TARGET == TARGET_PAIRS) {
        uint codes[8] = uint[8](
            chroma[0].x, chroma[0].y, chroma[1].x, chroma[1].y,
            chroma[2].x, chroma[2].y, chroma[3].x, chroma[3].y);
        put_eight(target_word(1, at.x, row), codes);
    } else {
        put_four(target_word(1, at.x >> 1, row), uvec4(chroma[0].x, chroma[1].x, chroma[2].x, chroma[3].x));
        put_four(target_word(2, at.x >> 1, row), uvec4(chroma[0].y, chroma[1].y, chroma[2].y, chroma[3].y));
    }
}

// Whether a place of the output is in the picture and not in a bar.
bool in_content(ivec2 at) {
    ivec2 within = at - params.content.xy;
    return all(greaterThanEqual(within, ivec2(0))) && all(lessThan(within, params.content.zw));
}

void put_packed(ivec2 at, vec3 colours[8]) {
    uint words[8];
    for (int x = 0; x < 8; x++) {
        uvec3 codes = uvec3(clamp(colours[x] * 255.0 + rounding(at + ivec2(x, 0)), 0.0, 255.0));
        codes = in_content(at + ivec2(x, 0)) ? codes : uvec3(0u);
        words[x] = codes.r << (TARGET_ORDER & 31u)
            | codes.g << (TARGET_ORDER >> 8 & 31u) | codes.b << (TARGET_ORDER >> 16 & 31u);
    }
    int quad = (params.planes.x + at.y * params.size.z + at.x) >> 2;
    target_quads.quads[quad] = uvec4(words[0], words[1], words[2], words[3]);
    target_quads.quads[quad + 1] = uvec4(words[4], words[5], words[6], words[7]);
}

void put_full(ivec2 at, vec3 colours[8]) {
    uint codes[3][8];
    for (int x = 0; x < 8; x++) {
        bool inside = in_content(at + ivec2(x, 0));
        float round_by = rounding(at + ivec2(x, 0));
        uint none = uint(params.levels.y);
        codes[0][x] = inside ? target_code(colours[x], params.to_luma, round_by) : uint(params.levels.x);
        codes[1][x] = inside ? target_code(colours[x], params.to_cb, round_by) : none;
        codes[2][x] = inside ? target_code(colours[x], params.to_cr, round_by) : none;
    }
    for (int plane = 0; plane < 3; plane++) {
        put_eight(target_word(plane, at.x, at.y), codes[plane]);
    }
}

// Writes eight by two pixels at an even place whose column is a multiple of eight. `means` is of each pair of
// columns what chroma is made of: both rows' colours, weighed 1-2-1 around the left one. Formats that are not
// 4:2:0 do not read it. Colours outside the picture are not read; there the output is black.
void put(ivec2 at, vec3 colours[2][8], vec3 means[4]) {
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
        for (int x = 0; x < 8; x++) {
            ivec2 place = at + ivec2(x, y);
            block.luma[y][x] = in_content(place)
                ? target_code(colours[y][x], params.to_luma, rounding(place)) : uint(params.levels.x);
        }
    }
    for (int pair = 0; pair < 4; pair++) {
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
