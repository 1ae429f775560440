// What the steps of the search have in common.

// What MODE says: the first, fourth and fifth are interpolate_hunt.comp's, the others
// interpolate_search.comp's. interpolate_lost.comp has none.
const uint AROUND_REST = 0u;
const uint FROM_PARENTS = 1u;
const uint REFINED = 2u;
const uint WIDE = 3u;
const uint AMONG_LOST = 4u;

const uint SMOOTHNESS = 3u;
const uint SMOOTH_UNTIL = 12u;
const uint LOST = AREA * 8u;

uint way;
ivec2 block;
Window here;
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

// Reads the block's own window and the vectors beside it.
void look_here() {
    if (!window(way, block, ivec2(0), here)) {
        here.rows = uint[16](0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u);
    }
    for (int i = 0; i < 4; i++) {
        ivec2 at = block + AROUND[i];
        has_beside[i] = inside(at, push.blocks);
        beside[i] = has_beside[i] ? vector_at(at) : ivec2(0);
    }
}
