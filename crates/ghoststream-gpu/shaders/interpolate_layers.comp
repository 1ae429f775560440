// Which blocks are seen in both pictures (MODE 0), and how those move that are covered (MODE 1).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "layers.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

const uint SAME = AREA * 10u;
const int RETURN = 4;
const int DISTANCES[8] = int[8](1, 2, 3, 4, 6, 8, 12, 16);

// The group counts before the GPU does: all of them at one place would wait for each other.
shared uint counted;

uint way;
ivec2 block;
uint cell;

void match() {
    uint at = field_at(push.from, way, cell);
    ivec2 vector = unpacked(cell_words[at]);
    uint cost = cell_words[at + 1u];
    ivec2 there = moved(block, vector);
    bool same = false;
    if (cost <= SAME && inside(there, push.blocks)) {
        uint back = field_at(push.from, 1u - way, uint(there.y * push.blocks.x + there.x));
        same = distance_of(-unpacked(cell_words[back]), vector) <= RETURN;
    }
    uint company = 0u;
    for (int down = -2; down <= 2; down++) {
        for (int right = -2; right <= 2; right++) {
            ivec2 other = block + ivec2(right, down) * BLOCK;
            if (inside(other, push.blocks)) {
                uint place = field_at(push.from, way, uint(other.y * push.blocks.x + other.x));
                company += distance_of(unpacked(cell_words[place]), vector) <= APART ? 1u : 0u;
            }
        }
    }
    uint into = known_at(way, cell);
    cell_words[into] = packed(vector);
    cell_words[into + 1u] = known(same ? MATCHED : UNKNOWN, company, cost);
    if (same) {
        atomicAdd(counted, 1u);
    }
}

void cover() {
    uint at = known_at(way, cell);
    uvec2 result = uvec2(cell_words[at], cell_words[at + 1u]);
    bool any_found = false;
    bool found = state_of(result.y) == MATCHED;
    for (int i = 0; i < 8 && !found; i++) {
        uvec2 best = uvec2(0u);
        for (int j = 0; j < 8; j++) {
            ivec2 beside = block + AROUND[j] * DISTANCES[i];
            if (!inside(beside, push.blocks)) {
                continue;
            }
            uint place = known_at(way, uint(beside.y * push.blocks.x + beside.x));
            uvec2 it = uvec2(cell_words[place], cell_words[place + 1u]);
            if (state_of(it.y) != MATCHED) {
                continue;
            }
            if (!any_found) {
                any_found = true;
                result = uvec2(it.x, as_covered(it.y));
            }
            ivec2 vector = unpacked(it.x);
            ivec2 there = moved(block, vector);
            bool hides = true;
            if (inside(there, push.blocks)) {
                uint other = known_at(1u - way, uint(there.y * push.blocks.x + there.x));
                hides = !allows(uvec2(cell_words[other], cell_words[other + 1u]), -vector);
            }
            if (hides && (!found || company_of(it.y) > company_of(best.y))) {
                found = true;
                best = it;
            }
        }
        if (found) {
            result = uvec2(best.x, as_covered(best.y));
        }
    }
    uint into = layer_at(way, cell);
    cell_words[into] = result.x;
    cell_words[into + 1u] = result.y;
}

void main() {
    if (gl_LocalInvocationIndex == 0u) {
        counted = 0u;
    }
    barrier();
    block = ivec2(gl_GlobalInvocationID.xy);
    way = gl_GlobalInvocationID.z;
    if (all(lessThan(block, push.blocks))) {
        cell = uint(block.y * push.blocks.x + block.x);
        if (MODE == 0u) {
            match();
        } else {
            cover();
        }
    }
    barrier();
    if (gl_LocalInvocationIndex == 0u && counted > 0u) {
        atomicAdd(cell_words[matched_at()], counted);
    }
}
