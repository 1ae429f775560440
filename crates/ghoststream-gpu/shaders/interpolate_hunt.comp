// A step of the search that looks at many vectors for few blocks: a group of invocations shares the
// vectors of one block after the other. Of equal ones the first stays, as when they are tried in order.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"
#include "search.glsl"

const uint GROUP = 64u;
layout(local_size_x = 64) in;

// How far is looked, in pixels; in blocks for what is lost.
const int REACH = MODE == AROUND_REST ? 7 : MODE == WIDE ? 14 : 20;
const uint PLACES = uint((2 * REACH + 1) * (2 * REACH + 1));
const uint FEW = 16u;

// Bits of a name that say which vector it is, 0 being the block's own; what it costs is above them.
const uint NAME_BITS = 15u;

shared uint places[41 * 41];
shared uint place_count;
shared uint least;

ivec2 in_square(uint index) {
    int side = 2 * REACH + 1;
    return ivec2(int(index) % side, int(index) / side) - REACH;
}

// The vector of a number, counted from 0.
ivec2 vector_of(uint index) {
    if (MODE != AMONG_LOST) {
        return in_square(index) * 4;
    }
    int pixel = int(index & 15u);
    return (in_square(index >> 4) * 4 + ivec2(pixel & 3, pixel >> 2) - 2) * 4;
}

uint rough(ivec2 vector) { return MODE == AROUND_REST ? steps(vector, ivec2(0)) : unlike(vector); }

// Lists the places where blocks of the other picture are lost.
void list_places(uint lane) {
    for (uint i = lane; i < PLACES; i += GROUP) {
        ivec2 at = block + in_square(i);
        if (inside(at, push.blocks) &&
            cell_words[field_at(push.from, 1u - way, uint(at.y * push.blocks.x + at.x)) + 1u] >= LOST) {
            places[atomicAdd(place_count, 1u)] = i;
        }
    }
}

void hunt(uint cell, uint lane) {
    block = ivec2(int(cell) % push.blocks.x, int(cell) / push.blocks.x);
    uint from = field_at(push.from, way, cell);
    ivec2 own = MODE == AROUND_REST ? ivec2(0) : unpacked(cell_words[from]);
    uint own_cost = MODE == AROUND_REST ? NEVER : cell_words[from + 1u];
    look_here();
    if (lane == 0u) {
        place_count = 0u;
        least = min(own_cost + rough(own), (1u << 17) - 1u) << NAME_BITS;
    }
    barrier();
    if (MODE == AMONG_LOST) {
        list_places(lane);
        barrier();
    }
    uint count = MODE == AMONG_LOST ? place_count * 16u : PLACES;
    uint mine = 0xffffffffu;
    for (uint i = lane; i < count; i += GROUP) {
        uint index = MODE == AMONG_LOST ? places[i >> 4] * 16u + (i & 15u) : i;
        ivec2 vector = vector_of(index);
        uint cost = cost_of(vector);
        if (cost < NEVER) {
            // Rest is looked at first where there is no vector yet.
            uint name = MODE == AROUND_REST && vector == ivec2(0) ? 0u : index + 1u;
            mine = min(mine, (cost + rough(vector)) << NAME_BITS | name);
        }
    }
    atomicMin(least, mine);
    barrier();
    if (lane == 0u) {
        uint name = least & ((1u << NAME_BITS) - 1u);
        ivec2 vector = name == 0u ? own : vector_of(name - 1u);
        bool kept = name == 0u && MODE != AROUND_REST;
        uint into = field_at(push.into, way, cell);
        cell_words[into] = packed(vector);
        cell_words[into + 1u] = kept ? own_cost : (least >> NAME_BITS) - rough(vector);
    }
    barrier();
}

// Hands on what is known of the blocks that are not hunted for.
void keep_others(bool hunts, uint blocks) {
    for (uint cell = gl_GlobalInvocationID.x; cell < blocks; cell += gl_NumWorkGroups.x * GROUP) {
        uint from = field_at(push.from, way, cell);
        uint cost = cell_words[from + 1u];
        if (!hunts || cost < LOST) {
            uint into = field_at(push.into, way, cell);
            cell_words[into] = cell_words[from];
            cell_words[into + 1u] = cost;
        }
    }
}

void main() {
    way = gl_WorkGroupID.z;
    uint blocks = uint(push.blocks.x * push.blocks.y);
    bool hunts = true;
    if (MODE == AMONG_LOST) {
        uint few = push.cells / FEW;
        hunts = cell_words[lost_at(0u)] <= few && cell_words[lost_at(1u)] <= few;
    }
    if (MODE != AROUND_REST) {
        keep_others(hunts, blocks);
    }
    // The lost are few and lie together: groups take the next in their list, wherever it is.
    uint length = MODE == AROUND_REST ? blocks : hunts ? cell_words[lost_at(way)] : 0u;
    for (uint i = gl_WorkGroupID.x; i < length; i += gl_NumWorkGroups.x) {
        hunt(MODE == AROUND_REST ? i : cell_words[list_at(way, i)], gl_LocalInvocationIndex);
    }
}
