// The pixels of one plane of the picture between. Each invocation makes a word of a row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"

layout(local_size_x = 32, local_size_y = 4) in;

const uint DOUBT = 12u;

const uvec2 WEIGHTS[6] = uvec2[6](uvec2(3u, 5u), uvec2(1u, 7u), uvec2(7u, 1u), uvec2(5u, 3u), uvec2(2u, 6u),
    uvec2(6u, 2u));

uint word_of(uint picture, uint at) { return picture == 0u ? first_words[at] : second_words[at]; }

// The samples at a place; beyond the edge those of the edge. The second is 0 where there is one.
uvec2 read(uint picture, ivec2 at) {
    at = clamp(at, ivec2(0), push.size - 1);
    uint bytes = push.channels << push.deep;
    uint byte = push.plane + uint(at.y) * push.pitch + uint(at.x) * bytes;
    uint word = word_of(picture, byte >> 2) >> ((byte & 3u) * 8u);
    if (push.deep == 0u) {
        return uvec2(word & 255u, push.channels == 2u ? (word >> 8) & 255u : 0u);
    }
    return uvec2((word & 0xffffu) >> push.shift, push.channels == 2u ? word >> 16 >> push.shift : 0u);
}

// Cubic convolution with a = -1/2 at a 32nd, in 128ths.
ivec4 taps(int t) {
    int t2 = t * t;
    int t3 = t2 * t;
    int before = ((-t3 + 64 * t2 - t * 1024 - 256) >> 9) + 1;
    int second = (-3 * t3 + 128 * t2 + t * 1024 + 256) >> 9;
    int after = ((t3 - t2 * 32 - 256) >> 9) + 1;
    return ivec4(before, 128 - before - second - after, second, after);
}

// The samples at a place in 32nds.
uvec2 interpolated(uint picture, ivec2 at) {
    ivec2 place = at >> 5;
    ivec2 part = at & 31;
    if (part == ivec2(0)) {
        return read(picture, place);
    }
    ivec4 right = taps(part.x);
    ivec4 down = taps(part.y);
    ivec2 sums = ivec2(0);
    for (int y = 0; y < 4; y++) {
        if (down[y] == 0) {
            continue;
        }
        ivec2 across = ivec2(0);
        for (int x = 0; x < 4; x++) {
            across += ivec2(read(picture, place + ivec2(x - 1, y - 1))) * right[x];
        }
        sums += across * down[y];
    }
    return uvec2(clamp((sums + (1 << 13)) >> 14, ivec2(0), ivec2((1 << push.depth) - 1)));
}

// What a choice shows at a place, times 256, and how far the pictures are apart there.
uvec2 shown(ivec2 at, uvec2 choice, out uint doubt) {
    ivec2 whole = unpacked(choice.x) * (push.halved == 1u ? 4 : 8);
    ivec2 back = until(whole);
    doubt = DOUBT;
    uvec2 a = uvec2(0u);
    uvec2 b = uvec2(0u);
    if (choice.y != SECOND) {
        a = interpolated(0u, at * 32 - back);
    }
    if (choice.y != FIRST) {
        b = interpolated(1u, at * 32 + whole - back);
    }
    if (choice.y == FIRST) {
        return a * 256u;
    }
    if (choice.y == SECOND) {
        return b * 256u;
    }
    uvec2 apart = uvec2(abs(ivec2(a) - ivec2(b)));
    doubt = min((apart.x + apart.y) >> (push.depth - 8u), 248u);
    return a * uint(256 - push.time) + b * uint(push.time);
}

// The two blocks along one axis that a sample lies between: the first, and what each weighs.
int between(int at, out uvec2 weights) {
    if (push.halved == 1u) {
        weights = WEIGHTS[4 + (at & 1)];
        return (at >> 1) - 1 + (at & 1);
    }
    weights = WEIGHTS[at & 3];
    return (at >> 2) - 1 + ((at >> 1) & 1);
}

uvec2 choice(ivec2 at) {
    at = clamp(at, ivec2(0), push.blocks - 1);
    uint place = choice_at(uint(at.y * push.blocks.x + at.x));
    return uvec2(cell_words[place], cell_words[place + 1u]);
}

uvec2 made(ivec2 at) {
    uvec2 wide, tall;
    ivec2 block = ivec2(between(at.x, wide), between(at.y, tall));
    uvec2 choices[4] = uvec2[4](choice(block), choice(block + ivec2(1, 0)), choice(block + ivec2(0, 1)),
        choice(block + 1));
    uint doubt;
    if (choices[0] == choices[1] && choices[0] == choices[2] && choices[0] == choices[3]) {
        return (shown(at, choices[0], doubt) + 128u) >> 8;
    }
    uvec2 own = choices[(wide.y > wide.x ? 1 : 0) + (tall.y > tall.x ? 2 : 0)];
    if (own == uvec2(0u)) {
        uvec2 first = read(0u, at);
        if (first == read(1u, at)) {
            return first;
        }
    }
    uvec2 sums = uvec2(0u);
    uint total = 0u;
    for (int i = 0; i < 4; i++) {
        uvec2 values = shown(at, choices[i], doubt);
        uint weight = tall[i / 2] * wide[i % 2] * (256u / (8u + doubt));
        total += weight;
        sums += weight * ((values + 8u) >> 4);
    }
    return (sums + total * 8u) / (total * 16u);
}

void main() {
    uint bytes = push.channels << push.deep;
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(int(4u / bytes), 1);
    if (any(greaterThanEqual(at, push.size))) {
        return;
    }
    bool cut = was_cut();
    uint word = 0u;
    for (uint i = 0u; i < 4u; i += bytes) {
        ivec2 place = at + ivec2(int(i / bytes), 0);
        uvec2 values = cut ? read(push.time < 128 ? 0u : 1u, place) : made(place);
        values <<= push.shift;
        word |= (values.x | values.y << (8u << push.deep)) << (8u * i);
    }
    shown_words[(push.plane + uint(at.y) * push.pitch + uint(at.x) * bytes) >> 2] = word;
}
