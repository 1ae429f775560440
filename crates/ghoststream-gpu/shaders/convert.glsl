// The pass where nothing is scaled. Each invocation makes a block of ACROSS by two pixels.
#extension GL_EXT_samplerless_texture_functions : require
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "target.glsl"

// Whether the picture is all of the output, upright and from the buffer's left edge on, and no pointer over it:
// that other pictures are possible at all costs registers that these could use. Keep in step with
// pass/convert.rs.
layout(constant_id = 15) const bool PLAIN = false;

// A sample of the source in as many bits as the output has.
uint carried(uint code) {
    uint ten = SOURCE_SAMPLE == SAMPLE_BYTE ? code << 2 : code;
    return TARGET_SAMPLE == SAMPLE_BYTE ? min((ten + 2u) >> 2, 255u) : ten;
}

// Chroma of a pair of columns. Of 4:2:2, where every row has its own, it is the mean of both.
uvec2 carried_chroma(ivec2 at) {
    ivec2 place = buffer_place(at) >> ivec2(1);
    if (SOURCE != SOURCE_YUYV) {
        uvec2 codes = chroma_codes(place);
        return uvec2(carried(codes.x), carried(codes.y));
    }
    int first = buffer_place(at).y;
    int second = buffer_place(ivec2(at.x, min(at.y + 1, params.view.w - 1))).y;
    uvec2 sum = chroma_codes(ivec2(place.x, first)) + chroma_codes(ivec2(place.x, second));
    return TARGET_SAMPLE == SAMPLE_BYTE ? (sum + 1u) >> 1 : sum << 1;
}

// Luma and chroma as they are, of a block that begins at `within` in the view.
void carry(ivec2 at, ivec2 within) {
    Block block;
    for (int y = 0; y < 2; y++) {
        for (int x = 0; x < ACROSS; x++) {
            bool inside = in_content(at + ivec2(x, y));
            block.luma[y][x] =
                inside ? carried(luma_code(buffer_place(within + ivec2(x, y)))) : uint(params.levels.x);
        }
    }
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        bool inside = in_content(at + ivec2(2 * pair, 0));
        block.chroma[pair] = inside ? carried_chroma(within + ivec2(2 * pair, 0)) : uvec2(params.levels.y);
    }
    put_block(at, block, 0u);
}

// A block of any kind at any place.
void convert_any(ivec2 at, ivec2 within) {
    vec3 colours[2][ACROSS];
    vec3 means[ACROSS / 2];
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        means[pair] = vec3(0.0);
    }
    for (int y = 0; y < 2; y++) {
        vec3 left = shown(within + ivec2(-1, y));
        for (int pair = 0; pair < ACROSS / 2; pair++) {
            vec3 here = shown(within + ivec2(2 * pair, y));
            vec3 right = shown(within + ivec2(2 * pair + 1, y));
            means[pair] += 0.125 * (left + 2.0 * here + right);
            colours[y][2 * pair] = here;
            colours[y][2 * pair + 1] = right;
            left = right;
        }
    }
    put(at, colours, means);
}

// A block that lies in the picture with all of its pixels, away from the pointer.
void convert_quads(ivec2 at, ivec2 within) {
    vec3 colours[2][ACROSS];
    vec3 means[ACROSS / 2];
    vec3 quad[4];
    vec3 left = vec3(0.0);
    bool has_left = within.x > 0;
    if (TARGET != TARGET_FULL && TARGET != TARGET_PACKED) {
        quad_colours(within - ivec2(2, 0), quad);
        left = quad[1] + quad[3];
    }
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        quad_colours(within + ivec2(2 * pair, 0), quad);
        for (int i = 0; i < 4; i++) {
            colours[i >> 1][2 * pair + (i & 1)] = quad[i];
        }
        vec3 here = quad[0] + quad[2], right = quad[1] + quad[3];
        left = pair > 0 || has_left ? left : here;
        means[pair] = 0.125 * (left + 2.0 * here + right);
        left = right;
    }
    if (TARGET == TARGET_FULL || TARGET == TARGET_PACKED) {
        put(at, colours, means);
    } else {
        put_whole(at, colours, means, rounding_of(at));
    }
}

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(ACROSS, 2);
    if (any(greaterThanEqual(at, params.size.xy))) {
        return;
    }
    ivec2 within = at - params.content.xy;
    ivec2 last = within + ivec2(ACROSS - 1, 1);
    bool whole = PLAIN || all(greaterThanEqual(within, ivec2(0))) && all(lessThan(last, params.content.zw));
    // Chroma is made of the column on the left, too.
    bool drawn_over = !PLAIN && pointer_near(buffer_place(within - ivec2(1, 0)), buffer_place(last));
    if (CARRIED && !drawn_over) {
        carry(at, within);
    } else if (HAS_QUADS && whole && !drawn_over) {
        convert_quads(at, within);
    } else {
        convert_any(at, within);
    }
    tone_report();
}
