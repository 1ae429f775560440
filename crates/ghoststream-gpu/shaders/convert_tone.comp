// The pass where nothing is scaled and light is converted, which then is most of the work: so no pixel is converted
// twice. The invocations of a subgroup make blocks beside each other, and tell their neighbours what chroma needs
// of them; a workgroup that has filled its tables moves down the picture with them.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#define ACROSS 4
#define TONE_TABLES
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "target.glsl"

// Blocks that an invocation makes, one below the other. Keep in step with pass/kinds.rs.
const int STEPS = 4;

// Whether the picture is all of the output, upright and from the buffer's left edge on, and no pointer over it:
// that other pictures are possible at all costs registers that these could use. Keep in step with
// pass/convert.rs.
layout(constant_id = 15) const bool PLAIN = false;

// The place in the buffer of a pixel of the view; beyond its edges that of the nearest one.
ivec2 clamped_place(ivec2 at) {
    return buffer_place(clamp(at, ivec2(0), params.view.zw - 1));
}

// Reads a block that begins at `within` in the view, as it lies in memory.
void read_block(ivec2 within, bool whole, out uvec2 raw[2][ACROSS]) {
    if (whole) {
        for (int pair = 0; pair < ACROSS / 2; pair++) {
            uvec2 quad[4];
            quad_raw(within + ivec2(2 * pair, 0), quad);
            for (int i = 0; i < 4; i++) {
                raw[i >> 1][2 * pair + (i & 1)] = quad[i];
            }
        }
        return;
    }
    for (int y = 0; y < 2; y++) {
        for (int x = 0; x < ACROSS; x++) {
            raw[y][x] = texelFetch(source0, clamped_place(within + ivec2(x, y)), 0).rg;
        }
    }
}

// The colours of a block that was read.
void convert_block(uvec2 raw[2][ACROSS], out vec3 colours[2][ACROSS]) {
    for (int y = 0; y < 2; y++) {
        for (int x = 0; x < ACROSS; x++) {
            colours[y][x] = raw_colour(raw[y][x]);
        }
    }
}

// Draws the pointer over a block.
void draw_pointer(ivec2 within, inout vec3 colours[2][ACROSS]) {
    if (pointer_near(clamped_place(within), clamped_place(within + ivec2(ACROSS - 1, 1)))) {
        for (int y = 0; y < 2; y++) {
            for (int x = 0; x < ACROSS; x++) {
                colours[y][x] = with_pointer(clamped_place(within + ivec2(x, y)), colours[y][x]);
            }
        }
    }
}

// What chroma is made of, with what the invocation on the left has: all of the subgroup come here, whether they
// have a block or not.
void mix_chroma(vec3 colours[2][ACROSS], out vec3 means[ACROSS / 2]) {
    vec3 last = colours[0][ACROSS - 1] + colours[1][ACROSS - 1];
    vec3 left =
        vec3(subgroupShuffleUp(last.r, 1u), subgroupShuffleUp(last.g, 1u), subgroupShuffleUp(last.b, 1u));
    for (int pair = 0; pair < ACROSS / 2; pair++) {
        vec3 here = colours[0][2 * pair] + colours[1][2 * pair];
        vec3 right = colours[0][2 * pair + 1] + colours[1][2 * pair + 1];
        means[pair] = 0.125 * (left + 2.0 * here + right);
        left = right;
    }
}

// Makes blocks from `at` on, each `down` rows below the one before, where the picture is plain. Each is read before
// the one above is reckoned.
void march_plain(ivec2 at, int down, bool writes) {
    // Steps of as many rows as dithering repeats itself in.
    Rounding by = rounding_of(at);
    uvec2 raw[2][ACROSS];
    read_block(at, true, raw);
    for (int step = 0; step < STEPS; step++, at.y += down) {
        vec3 colours[2][ACROSS];
        convert_block(raw, colours);
        if (step + 1 < STEPS) {
            // Beyond the last row there is more of it.
            read_block(at + ivec2(0, down), true, raw);
        }
        vec3 means[ACROSS / 2];
        mix_chroma(colours, means);
        if (writes && all(lessThan(at, params.size.xy))) {
            put_whole(at, colours, means, by);
        }
    }
}

// The same for any picture.
void march_any(ivec2 at, int down, bool writes) {
    for (int step = 0; step < STEPS; step++, at.y += down) {
        ivec2 within = at - params.content.xy;
        // Gathered beyond the buffer's left edge, pixels are those at the edge.
        bool whole = all(greaterThanEqual(within, ivec2(0)))
            && all(lessThan(within + ivec2(ACROSS - 1, 1), params.content.zw));
        bool inside = all(lessThan(at, params.size.xy));
        vec3 colours[2][ACROSS];
        if (inside) {
            uvec2 raw[2][ACROSS];
            read_block(within, whole, raw);
            convert_block(raw, colours);
            draw_pointer(within, colours);
        }
        vec3 means[ACROSS / 2];
        mix_chroma(colours, means);
        if (inside && writes) {
            if (whole) {
                put_whole(at, colours, means, rounding_of(at));
            } else {
                put(at, colours, means);
            }
        }
    }
}

void main() {
    tone_prepare(int(gl_LocalInvocationIndex), int(gl_WorkGroupSize.x));
    barrier();
    int lane = int(gl_SubgroupInvocationID), subgroups = int(gl_NumSubgroups);
    // The first of a subgroup is there for its neighbour's sake.
    int column = int(gl_WorkGroupID.x) * (int(gl_SubgroupSize) - 1) + lane - 1;
    int row = int(gl_WorkGroupID.y) * STEPS * subgroups + int(gl_SubgroupID);
    ivec2 at = ivec2(ACROSS * column, 2 * row);
    if (PLAIN) {
        march_plain(at, 2 * subgroups, lane > 0);
    } else {
        march_any(at, 2 * subgroups, lane > 0);
    }
    tone_report();
}
