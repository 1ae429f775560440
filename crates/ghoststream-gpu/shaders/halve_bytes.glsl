// Halving by weights of 1, 3, 3 and 1 what has eight bits a colour: two colours to a word, sixteen bits each. Sums
// stay below 2 to the power of 14, so that they are exact, and it is half the work of floats. Part of
// scale_half.comp.

// Whether this pipeline halves so.
bool halves_bytes() {
    return QUAD_WORDS && SOURCE_SAMPLE == SAMPLE_BYTE
        && PARTS_ACROSS == 2 && WEIGHT_0 == 0.375 && WEIGHT_1 == 0.125;
}

// The first and third byte of a pixel, and the second and fourth.
uvec2 spread(uint pixel) {
    return uvec2(pixel, pixel >> 8) & 0x00FF00FFu;
}

// A colour of a sum of 64 pixels' weights, from 0 to 1; `at` is its lowest bit in a pixel.
float of_sum(uvec2 sum, uint at) {
    uint two = (at & 8u) == 0u ? sum.x : sum.y;
    return float(two >> (at & 16u) & 0xFFFFu) * (1.0 / (64.0 * 255.0));
}

// The left column lies with the reds, the right one with the greens.
void keep_bytes(int group, int row, int lane, uvec2 left, uvec2 right) {
    reds[group][row][lane] = left;
    greens[group][row][lane] = right;
}

// Makes a group's rows, away from the edges and the pointer; `within` is this invocation's column.
void make_bytes(int group, int lane, ivec2 within) {
    uvec4 quads[ROWS + 2];
    [[unroll]] for (int quad = 0; quad < ROWS + 2; quad++) {
        quads[quad] = turned(textureGather(source0, quad_corner(2 * (within + ivec2(0, quad - 1))), 0));
    }
    int here = lane + BESIDE;
    uvec2 left[ROWS], right[ROWS];
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        uvec4 above = quads[row], own = quads[row + 1], below = quads[row + 2];
        left[row] = spread(above.z) + 3u * (spread(own.x) + spread(own.z)) + spread(below.x);
        right[row] = spread(above.w) + 3u * (spread(own.y) + spread(own.w)) + spread(below.y);
        keep_bytes(group, row, here, left[row], right[row]);
    }
    barrier();
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        uvec2 sum = greens[group][row][here - 1] + 3u * (left[row] + right[row]) + reds[group][row][here + 1];
        made_reds[group][row][lane] = of_sum(sum, order(SOURCE_ORDER, 0));
        made_greens[group][row][lane] = of_sum(sum, order(SOURCE_ORDER, 1));
        made_blues[group][row][lane] = of_sum(sum, order(SOURCE_ORDER, 2));
    }
    barrier();
}
