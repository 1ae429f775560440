// What each block of the picture between shows.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"
#include "layers.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

const uint INDEX_MASK = (1u << 22) - 1u;
const uint ONE_SIDED = AREA * 5u;
const uint DENIED = AREA * 14u;
const uint COMPANY = 4u;
const uint BUSY = 96u;
const uint REST = 16u;

ivec2 block;
ivec2 best;
uint best_seen;
uint least;
ivec2 tried[4];
uint count;

uint activity(Window it) {
    uint sum = 0u;
    for (uint word = 0u; word < 16u; word++) {
        uint four = it.rows[word];
        // The pixels to the right; a row's last has none and is compared with itself.
        uint next = (word & 1u) == 0u ? (four >> 8) | (it.rows[word + 1u] << 24)
                                      : (four >> 8) | (four & 0xff000000u);
        uint below = word < 14u ? it.rows[word + 2u] : four;
        for (int at = 0; at < 32; at += 8) {
            int own = int(bitfieldExtract(four, at, 8));
            sum += uint(abs(own - int(bitfieldExtract(next, at, 8))));
            sum += uint(abs(own - int(bitfieldExtract(below, at, 8))));
        }
    }
    return sum;
}

bool same_block(Window a, Window b) {
    for (uint row = 2u; row < 6u; row++) {
        // The last two pixels of the row's first word and the first two of its second.
        if ((a.rows[row * 2u] ^ b.rows[row * 2u]) > 0xffffu ||
            ((a.rows[row * 2u + 1u] ^ b.rows[row * 2u + 1u]) & 0xffffu) != 0u) {
            return false;
        }
    }
    return true;
}

uint cost_of(ivec2 vector, out uint seen) {
    ivec2 done = until(vector);
    ivec2 back = -done;
    ivec2 on = vector - done;
    ivec2 places[2] = ivec2[2](moved(block, back), moved(block, on));
    bool within[2];
    bool allowed[2];
    uint company[2];
    for (uint way = 0u; way < 2u; way++) {
        within[way] = inside(places[way], push.blocks);
        allowed[way] = false;
        if (within[way]) {
            uint at = layer_at(way, uint(places[way].y * push.blocks.x + places[way].x));
            uvec2 it = uvec2(cell_words[at], cell_words[at + 1u]);
            allowed[way] = allows(it, way == 0u ? vector : -vector);
            company[way] = company_of(it.y);
        }
    }
    uint around = allowed[0] ? company[0] : within[1] ? company[1] : 0u;
    Window a, b;
    bool has_a = window(0u, block, back, a);
    bool has_b = window(1u, block, on, b);
    seen = BOTH;
    bool has_both = has_a && has_b;
    uint apart = has_both ? difference(a, b) : NEVER;
    uint cost;
    if (vector == ivec2(0) && has_both && same_block(a, b)) {
        cost = 0u;
    } else if (allowed[0] && allowed[1] && has_both) {
        cost = apart;
    } else if (allowed[0] && has_a) {
        cost = ONE_SIDED;
        seen = FIRST;
    } else if (allowed[1] && has_b) {
        cost = ONE_SIDED;
        seen = SECOND;
    } else if (has_both) {
        cost = apart + DENIED;
    } else {
        return NEVER;
    }
    // One of them there is.
    Window one = b;
    if (has_a) {
        one = a;
    }
    uint busy = min(activity(one) / 8u, BUSY);
    uint rest = vector == ivec2(0) ? REST : 0u;
    return cost + around * COMPANY + BUSY + REST - busy - rest;
}

void consider(ivec2 vector) {
    for (uint i = 0u; i < min(count, 4u); i++) {
        if (tried[i] == vector) {
            return;
        }
    }
    tried[count % 4u] = vector;
    count++;
    uint seen;
    uint cost = cost_of(vector, seen);
    if (cost < least) {
        best = vector;
        best_seen = seen;
        least = cost;
    }
}

void main() {
    block = ivec2(gl_GlobalInvocationID.xy);
    // Nobody asks what a picture shows that is not made.
    if (any(greaterThanEqual(block, push.blocks)) || was_cut()) {
        return;
    }
    uint cell = uint(block.y * push.blocks.x + block.x);
    best = ivec2(0);
    best_seen = BOTH;
    least = 0xffffffffu;
    count = 0u;
    // Rest, what moves here in both pictures, and who arrived here and around.
    for (int i = 0; i < 21; i++) {
        ivec2 vector = ivec2(0);
        uint way = uint(i + 1) & 1u;
        if (i == 1 || i == 2) {
            vector = unpacked(cell_words[layer_at(way, cell)]);
            vector = i == 1 ? vector : -vector;
        } else if (i > 2) {
            ivec2 at = block + (i < 5 ? ivec2(0) : AROUND[max((i - 5) / 2, 0)]);
            if (!inside(at, push.blocks)) {
                continue;
            }
            uint name = cell_words[arrival_at(way, uint(at.y * push.blocks.x + at.x))];
            if (name == NOBODY) {
                continue;
            }
            vector = unpacked(cell_words[layer_at(way, name & INDEX_MASK)]);
            vector = way == 0u ? vector : -vector;
        }
        consider(vector);
    }
    uint into = choice_at(cell);
    cell_words[into] = packed(best);
    cell_words[into + 1u] = best_seen;
}
