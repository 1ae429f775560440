// Moves each block along its vector; it leaves its name where it arrives, and the smallest stays.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "layers.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

const uint INDEX_BITS = 22u;

void main() {
    ivec2 block = ivec2(gl_GlobalInvocationID.xy);
    uint way = gl_GlobalInvocationID.z;
    if (any(greaterThanEqual(block, push.blocks))) {
        return;
    }
    uint cell = uint(block.y * push.blocks.x + block.x);
    uvec2 it = uvec2(cell_words[layer_at(way, cell)], cell_words[layer_at(way, cell) + 1u]);
    if (state_of(it.y) == UNKNOWN) {
        return;
    }
    uint covered = state_of(it.y) == COVERED ? 1u : 0u;
    uint name = covered << 31 | min(company_of(it.y), 31u) << 26 |
        min(cost_of_known(it.y) >> 6, 15u) << INDEX_BITS | cell;
    ivec2 vector = unpacked(it.x);
    // The second picture's vectors lead back to the first.
    ivec2 part = way == 0u ? until(vector) : vector + until(-vector);
    ivec2 pixel = (block * (BLOCK * 4) + part + 2) >> 2;
    ivec2 from = pixel >> 2;
    ivec2 last = (pixel + BLOCK - 1) >> 2;
    for (int y = from.y; y <= last.y; y++) {
        for (int x = from.x; x <= last.x; x++) {
            if (inside(ivec2(x, y), push.blocks)) {
                atomicMin(cell_words[arrival_at(way, uint(y * push.blocks.x + x))], name);
            }
        }
    }
}
