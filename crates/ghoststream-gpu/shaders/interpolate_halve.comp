// The next level of both pyramids: the means of two by two pixels. Each invocation makes four of a row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"

layout(local_size_x = 32, local_size_y = 4) in;

uint pixel(uint start, ivec2 at) {
    uint byte = start + uint(at.y + BORDER) * push.other_stride + uint(at.x + BORDER);
    return bitfieldExtract(pyramid_words[byte >> 2], int(byte & 3u) * 8, 8);
}

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(4, 1);
    uint picture = gl_GlobalInvocationID.z;
    if (at.x >= int(push.stride) || at.y >= push.size.y + 2 * BORDER) {
        return;
    }
    uint start = picture * push.pyramid + push.other;
    uint four = 0u;
    for (int i = 0; i < 4; i++) {
        ivec2 finer = clamp(at + ivec2(i, 0) - BORDER, ivec2(0), push.size - 1) * 2;
        uint sum = pixel(start, finer) + pixel(start, finer + ivec2(1, 0)) + pixel(start, finer + ivec2(0, 1)) +
            pixel(start, finer + 1);
        four |= ((sum + 2u) / 4u) << (8 * i);
    }
    pyramid_words[(picture * push.pyramid + push.level + uint(at.y) * push.stride + uint(at.x)) >> 2] = four;
}
