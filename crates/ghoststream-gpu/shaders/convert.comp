// The pass where nothing is scaled: packed RGB to NV12. Each invocation makes four by two pixels.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "params.glsl"

layout(local_size_x = 16, local_size_y = 8) in;

// A colour of the picture, at a place of the content; beyond its edges that of the nearest.
vec3 shown(ivec2 at) {
    at = clamp(at, ivec2(0), params.content.zw - 1);
    ivec2 place = params.view.xy + at.x * params.steps.xy + at.y * params.steps.zw;
    vec3 colour = texelFetch(source0, place, 0).rgb;
    ivec2 over = place - params.pointer.xy;
    if (all(greaterThanEqual(over, ivec2(0))) && all(lessThan(over, params.pointer.zw))) {
        vec4 drawn = texelFetch(pointer, over, 0);
        colour = min(drawn.rgb + colour * (1.0 - drawn.a), vec3(1.0));
    }
    return colour;
}

uint code(vec3 colour, vec4 weights) {
    return uint(clamp(dot(colour, weights.rgb) + weights.a + 0.5, 0.0, params.levels.z));
}

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy) * ivec2(4, 2);
    if (any(greaterThanEqual(at, params.size.xy))) {
        return;
    }
    uint luma[2] = uint[2](0u, 0u);
    uint chroma = 0u;
    for (int pair = 0; pair < 2; pair++) {
        vec3 sum = vec3(0.0);
        bool inside = false;
        for (int y = 0; y < 2; y++) {
            ivec2 within = at + ivec2(2 * pair, y) - params.content.xy;
            inside = all(greaterThanEqual(within, ivec2(0))) && all(lessThan(within, params.content.zw));
            vec3 left = shown(within);
            vec3 right = shown(within + ivec2(1, 0));
            sum += shown(within - ivec2(1, 0)) + 2.0 * left + right;
            uint black = uint(params.levels.x);
            uint first = inside ? code(left, params.to_luma) : black;
            uint second = inside ? code(right, params.to_luma) : black;
            luma[y] |= (first | second << 8) << (16 * pair);
        }
        sum /= 8.0;
        uint none = uint(params.levels.y);
        uint cb = inside ? code(sum, params.to_cb) : none;
        uint cr = inside ? code(sum, params.to_cr) : none;
        chroma |= (cb | cr << 8) << (16 * pair);
    }
    int column = at.x / 4;
    for (int y = 0; y < 2 && at.y + y < params.size.y; y++) {
        target.words[params.planes.x + (at.y + y) * params.size.z + column] = luma[y];
    }
    target.words[params.planes.y + at.y / 2 * params.size.z + column] = chroma;
}
