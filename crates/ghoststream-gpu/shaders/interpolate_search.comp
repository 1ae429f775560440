// One step of the search, for both directions: each invocation finds a block's vector.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"
#include "window.glsl"

layout(local_size_x = 8, local_size_y = 8) in;

// What MODE says.
const uint AROUND_REST = 0u;
const uint FROM_PARENTS = 1u;
const uint REFINED = 2u;
const uint WIDE = 3u;
const uint AMONG_LOST = 4u;

const uint SMOOTHNESS = 3u;
const uint SMOOTH_UNTIL = 12u;
const int REACH = 7;
const int WIDE_REACH = 14;
const uint LOST = AREA * 8u;
const int LOST_REACH = 20;
const uint FEW = 16u;

// The group counts before the GPU does: all of them at one place would wait for each other.
shared uint counted;

uint way;
ivec2 block;
Window here;
ivec2 best;
uint best_cost;
uint least;
ivec2 beside[4];
bool has_beside[4];

uint cost_of(ivec2 vector) {
    Window there;
    return window(1u - way, block, vector, there) ? difference(here, there) : NEVER;
}

uint steps(ivec2 a, ivec2 b) {
    ivec2 apart = abs(a - b);
    return uint(apart.x + apart.y);
}

uint unlike(ivec2 vector) {
    uint sum = 0u;
    for (int i = 0; i < 4; i++) {
        sum += has_beside[i] ? min(steps(vector, beside[i]), SMOOTH_UNTIL) * SMOOTHNESS : 0u;
    }
    return sum;
}

ivec2 vector_at(ivec2 at) {
    return unpacked(cell_words[field_at(push.from, way, uint(at.y * push.blocks.x + at.x))]);
}

// How many vectors a step looks at; most are decided upon by their number.
uint candidates() {
    switch (MODE) {
    case AROUND_REST: return uint((2 * REACH + 1) * (2 * REACH + 1));
    case FROM_PARENTS: return 9u;
    case REFINED: return 17u;
    case WIDE: return uint((2 * WIDE_REACH + 1) * (2 * WIDE_REACH + 1));
    default: return uint((2 * LOST_REACH + 1) * (2 * LOST_REACH + 1) * 16);
    }
}

// A place in a square around the middle, row by row.
ivec2 in_square(int index, int reach) {
    int side = 2 * reach + 1;
    return ivec2(index % side, index / side) - reach;
}

// The vector of a number; false where there is none. `index` goes on to the last of those that have
// none for the same reason.
bool candidate(inout uint index, ivec2 own, out ivec2 vector) {
    int i = int(index);
    if (MODE == AROUND_REST) {
        vector = in_square(i, REACH) * 4;
    } else if (MODE == FROM_PARENTS) {
        ivec2 parent = block / 2 + (i == 0 ? ivec2(0) : AROUND[max(i - 1, 0)]);
        if (!inside(parent, push.above)) {
            return false;
        }
        uint cell = uint(parent.y * push.above.x + parent.x);
        vector = unpacked(cell_words[field_at(push.from, way, cell)]) * 2;
    } else if (MODE == REFINED) {
        ivec2 at = block + AROUND[i & 7] * push.reach;
        if (i < 8 && !inside(at, push.blocks)) {
            return false;
        }
        vector = i < 8 ? vector_at(at) : i == 8 ? ivec2(0) : own + AROUND[(i - 1) & 7] * push.step;
    } else if (MODE == WIDE) {
        vector = in_square(i, WIDE_REACH) * 4;
    } else {
        ivec2 apart = in_square(i / 16, LOST_REACH);
        ivec2 at = block + apart;
        if (!inside(at, push.blocks) ||
            cell_words[field_at(push.from, 1u - way, uint(at.y * push.blocks.x + at.x)) + 1u] < LOST) {
            index |= 15u;
            return false;
        }
        vector = (apart * 4 + ivec2(i % 4, i / 4 % 4) - 2) * 4;
    }
    return true;
}

// What it costs that a vector is unlike what was expected.
uint expected(ivec2 vector) {
    return MODE == AROUND_REST ? steps(vector, ivec2(0)) : MODE == FROM_PARENTS ? 0u : unlike(vector);
}

// Takes the vector that costs least.
void look() {
    ivec2 own = best;
    bool begins = MODE == AROUND_REST || MODE == FROM_PARENTS;
    least = begins ? NEVER * 2u : best_cost + unlike(best);
    uint count = candidates();
    // A beginning looks at rest first, which has no number.
    for (uint i = begins ? 0xffffffffu : 0u; i + 1u <= count; i++) {
        ivec2 vector = ivec2(0);
        bool first = i == 0xffffffffu;
        if (!first && !candidate(i, own, vector)) {
            continue;
        }
        uint rough = expected(vector);
        if ((vector == best && !first) || rough >= least) {
            continue;
        }
        uint cost = cost_of(vector);
        if (cost + rough < least) {
            best = vector;
            best_cost = cost;
            least = cost + rough;
        }
    }
}

void search() {
    uint cell = uint(block.y * push.blocks.x + block.x);
    bool begins = MODE == AROUND_REST || MODE == FROM_PARENTS;
    best = ivec2(0);
    best_cost = NEVER;
    if (!begins) {
        uint at = field_at(push.from, way, cell);
        best = unpacked(cell_words[at]);
        best_cost = cell_words[at + 1u];
    }
    bool looks = begins || MODE == REFINED || best_cost >= LOST;
    if (MODE == AMONG_LOST) {
        uint few = push.cells / FEW;
        looks = looks && cell_words[lost_at(0u)] <= few && cell_words[lost_at(1u)] <= few;
    }
    if (looks) {
        if (!window(way, block, ivec2(0), here)) {
            here.rows = uint[16](0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u);
        }
        if (!begins) {
            for (int i = 0; i < 4; i++) {
                ivec2 at = block + AROUND[i];
                has_beside[i] = inside(at, push.blocks);
                beside[i] = has_beside[i] ? vector_at(at) : ivec2(0);
            }
        }
        look();
    }
    // On the largest level, before what is lost is looked for among what is lost.
    if (MODE == REFINED && push.step == 4 && push.reach == 1 && push.level == 0u && best_cost >= LOST) {
        atomicAdd(counted, 1u);
    }
    uint into = field_at(push.into, way, cell);
    cell_words[into] = packed(best);
    cell_words[into + 1u] = best_cost;
}

void main() {
    if (gl_LocalInvocationIndex == 0u) {
        counted = 0u;
    }
    barrier();
    block = ivec2(gl_GlobalInvocationID.xy);
    way = gl_GlobalInvocationID.z;
    if (all(lessThan(block, push.blocks))) {
        search();
    }
    barrier();
    if (gl_LocalInvocationIndex == 0u && counted > 0u) {
        atomicAdd(cell_words[lost_at(way)], counted);
    }
}
