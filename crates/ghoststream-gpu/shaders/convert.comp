// The pass where nothing is scaled. Each invocation makes eight by two pixels.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "target.glsl"

// Luma and chroma as they are: `within` is where the block begins in the view.
void carry(ivec2 at, ivec2 within) {
}

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(8, 2);
    if (any(greaterThanEqual(at, params.size.xy))) {
        return;
    }
    ivec2 within = at - params.content.xy;
    vec3 colours[2][8];
    vec3 means[4] = vec3[4](vec3(0.0), vec3(0.0), vec3(0.0), vec3(0.0));
    for (int y = 0; y < 2; y++) {
        vec3 left = shown(within + ivec2(-1, y));
        for (int pair = 0; pair < 4; pair++) {
            vec3 here = shown(within + ivec2(2 * pair, y));
            vec3 right = shown(within + ivec2(2 * pair + 1, y));
            means[pair] += 0.125 * (left + 2.0 * here + right);
            colours[y][2 * pair] = here;
            colours[y][2 * pair + 1] = right;
            left = right;
        }
    }
    put(at, colours, means);
}
