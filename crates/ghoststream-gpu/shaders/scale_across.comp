// The first of two dispatches, for pictures that are made so much narrower that scale.comp has no room for
// the columns: filters the rows of the source across. Each invocation makes one pixel.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "axes.glsl"

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy);
    if (at.x >= params.content.z || at.y >= params.view.w) {
        return;
    }
    int first = first_across(at.x);
    int weights = record_across(at.x) + HEAD;
    vec3 sum = vec3(0.0);
    for (int tap = 0; tap < axes.taps.x; tap++) {
        sum += axis_across.across[weights + tap] * shown(ivec2(first + tap, at.y));
    }
    halfway.colours[at.y * params.content.z + at.x] = vec4(sum, 0.0);
    tone_report();
}
