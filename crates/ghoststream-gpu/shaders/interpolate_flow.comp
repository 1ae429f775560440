// What the optical flow engine found, as the search writes it: quarters of a pixel, and what they cost. The
// engine's vectors were copied to where the arrivals will be, a word for each block.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"
#include "search.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

void main() {
    block = ivec2(gl_GlobalInvocationID.xy);
    way = gl_GlobalInvocationID.z;
    if (any(greaterThanEqual(block, push.blocks))) {
        return;
    }
    uint cell = uint(block.y * push.blocks.x + block.x);
    look_here();
    // From 32nds, to the nearest.
    ivec2 vector = (unpacked(cell_words[arrival_at(way, cell)]) + 4) >> 3;
    uint cost = cost_of(vector);
    if (cost >= NEVER) {
        vector = ivec2(0);
        cost = cost_of(vector);
    }
    uint into = field_at(push.into, way, cell);
    cell_words[into] = packed(vector);
    cell_words[into + 1u] = cost;
}
