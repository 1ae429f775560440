// One step of the search, for both directions: each invocation finds a block's vector among few.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"
#include "search.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

// The vector of a number; false where there is none.
bool candidate(int i, ivec2 own, out ivec2 vector) {
    vector = ivec2(0);
    if (MODE == FROM_PARENTS) {
        // Rest, then the parent and those around it.
        ivec2 parent = block / 2 + (i < 2 ? ivec2(0) : AROUND[max(i - 2, 0)]);
        if (i > 0 && !inside(parent, push.above)) {
            return false;
        }
        uint cell = uint(parent.y * push.above.x + parent.x);
        if (i > 0) {
            vector = unpacked(cell_words[field_at(push.from, way, cell)]) * 2;
        }
        return true;
    }
    ivec2 at = block + AROUND[i & 7] * push.reach;
    if (i < 8 && !inside(at, push.blocks)) {
        return false;
    }
    vector = i < 8 ? vector_at(at) : i == 8 ? ivec2(0) : own + AROUND[(i - 1) & 7] * push.step;
    return true;
}

void search() {
    uint cell = uint(block.y * push.blocks.x + block.x);
    bool begins = MODE == FROM_PARENTS;
    look_here();
    uint at = field_at(push.from, way, cell);
    ivec2 own = begins ? ivec2(0) : unpacked(cell_words[at]);
    ivec2 best = own;
    uint best_cost = begins ? NEVER : cell_words[at + 1u];
    uint least = begins ? NEVER * 2u : best_cost + unlike(best);
    int count = begins ? 10 : 17;
    for (int i = 0; i < count; i++) {
        ivec2 vector;
        if (!candidate(i, own, vector)) {
            continue;
        }
        uint rough = begins ? 0u : unlike(vector);
        if ((vector == best && !(begins && i == 0)) || rough >= least) {
            continue;
        }
        uint cost = cost_of(vector);
        if (cost + rough < least) {
            best = vector;
            best_cost = cost;
            least = cost + rough;
        }
    }
    uint into = field_at(push.into, way, cell);
    cell_words[into] = packed(best);
    cell_words[into + 1u] = best_cost;
}

void main() {
    block = ivec2(gl_GlobalInvocationID.xy);
    way = gl_GlobalInvocationID.z;
    if (all(lessThan(block, push.blocks))) {
        search();
    }
}
