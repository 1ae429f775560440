// The largest level of both pictures' pyramids: the upper eight bits of the luma. Each invocation makes
// four pixels of a row.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "interpolate.glsl"

layout(local_size_x = 32, local_size_y = 4) in;

uint word_of(uint picture, uint at) { return picture == 0u ? first_words[at] : second_words[at]; }

uint sample_at(uint picture, ivec2 at) {
    at = clamp(at, ivec2(0), push.size - 1);
    uint byte = push.plane + uint(at.y) * push.pitch + (uint(at.x) << push.deep);
    uint word = word_of(picture, byte >> 2);
    if (push.deep == 0u) {
        return bitfieldExtract(word, int(byte & 3u) * 8, 8);
    }
    uint both = bitfieldExtract(word, int(byte & 3u) * 8, 16);
    return min(both >> (push.shift + push.depth - 8u), 255u);
}

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(4, 1);
    uint picture = gl_GlobalInvocationID.z;
    if (at.x >= int(push.stride) || at.y >= push.size.y + 2 * BORDER) {
        return;
    }
    uint four = 0u;
    for (int i = 0; i < 4; i++) {
        four |= sample_at(picture, at + ivec2(i - BORDER, -BORDER)) << (8 * i);
    }
    pyramid_words[(picture * push.pyramid + push.level + uint(at.y) * push.stride + uint(at.x)) >> 2] = four;
}
