// Windows of eight by eight pixels, two words a row, and how different two are.

struct Window { uint rows[16]; };

// The twelve bytes from a byte on, which begin in the first of three words: eight of them and a ninth.
uvec3 nine(uint at) {
    uint word = at >> 2;
    uint shift = (at & 3u) * 8u;
    uvec3 three = uvec3(pyramid_words[word], pyramid_words[word + 1u], pyramid_words[word + 2u]);
    if (shift == 0u) {
        return uvec3(three.xy, three.z & 255u);
    }
    uvec2 eight = (three.xy >> shift) | (three.yz << (32u - shift));
    return uvec3(eight, (three.z >> shift) & 255u);
}

// Sixteen bits for each pixel: the first and third of a word, the second and fourth.
uvec2 spread(uint four) { return uvec2(four, four >> 8) & 0x00ff00ffu; }

// Two words of pixels mixed across; each of the four vectors has four pixels' sixteen bits.
void across(uvec3 row, uint right, out uvec2 low, out uvec2 high) {
    low = spread(row.x) * (4u - right) + spread((row.x >> 8) | (row.y << 24)) * right;
    high = spread(row.y) * (4u - right) + spread((row.y >> 8) | (row.z << 24)) * right;
}

uint joined(uvec2 lanes) {
    uvec2 eight = ((lanes + 0x00080008u) >> 4) & 0x00ff00ffu;
    return eight.x | (eight.y << 8);
}

// The window of a block in a picture's level, moved by a vector; false where it leaves the border.
bool window(uint picture, ivec2 block, ivec2 vector, out Window result) {
    ivec2 at = block * BLOCK - (WINDOW - BLOCK) / 2 + (vector >> 2);
    uvec2 between = uvec2(vector) & 3u;
    if (any(lessThan(at, ivec2(-BORDER))) ||
        any(greaterThan(at + WINDOW + 1, push.size + BORDER))) {
        return false;
    }
    uint start = picture * push.pyramid + push.level + uint(at.y + BORDER) * push.stride + uint(at.x + BORDER);
    if (between == uvec2(0u)) {
        for (uint row = 0u; row < 8u; row++) {
            uvec3 pixels = nine(start + row * push.stride);
            result.rows[row * 2u] = pixels.x;
            result.rows[row * 2u + 1u] = pixels.y;
        }
        return true;
    }
    uvec2 low, high;
    across(nine(start), between.x, low, high);
    for (uint row = 0u; row < 8u; row++) {
        uvec2 below_low, below_high;
        across(nine(start + (row + 1u) * push.stride), between.x, below_low, below_high);
        result.rows[row * 2u] = joined(low * (4u - between.y) + below_low * between.y);
        result.rows[row * 2u + 1u] = joined(high * (4u - between.y) + below_high * between.y);
        low = below_low;
        high = below_high;
    }
    return true;
}

uint difference(Window a, Window b) {
    uint total = 0u;
    int sum = 0;
    for (uint word = 0u; word < 16u; word++) {
        for (int at = 0; at < 32; at += 8) {
            int apart = int(bitfieldExtract(a.rows[word], at, 8)) - int(bitfieldExtract(b.rows[word], at, 8));
            total += uint(abs(apart));
            sum += apart;
        }
    }
    return total - uint(abs(sum)) * 3u / 4u;
}
