// Lists the blocks of a level that have found no match, in both directions: in no order.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"
#include "search.glsl"

layout(local_size_x = 64) in;

// The group counts before the GPU does: all of them at one place would wait for each other.
shared uint counted;
shared uint before;

void main() {
    way = gl_GlobalInvocationID.z;
    uint cell = gl_GlobalInvocationID.x;
    bool lost = cell < uint(push.blocks.x * push.blocks.y) &&
        cell_words[field_at(push.from, way, cell) + 1u] >= LOST;
    if (gl_LocalInvocationIndex == 0u) {
        counted = 0u;
    }
    barrier();
    uint own = lost ? atomicAdd(counted, 1u) : 0u;
    barrier();
    if (gl_LocalInvocationIndex == 0u && counted > 0u) {
        before = atomicAdd(cell_words[lost_at(way)], counted);
    }
    barrier();
    if (lost) {
        cell_words[list_at(way, before + own)] = cell;
    }
}
