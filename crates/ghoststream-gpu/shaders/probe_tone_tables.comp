// For tests: what tone.glsl makes of colours of ten bits by its tables.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

layout(set = 0, binding = 0, std430) buffer Colours { vec4 pixels[]; } colours;

const uint WORD_MOST = 1023u;
#define TONE_TABLES
#include "tone.glsl"

void main() {
    tone_prepare(int(gl_LocalInvocationIndex), int(gl_WorkGroupSize.x));
    barrier();
    uint at = gl_GlobalInvocationID.x;
    if (at < colours.pixels.length()) {
        vec3 code = colours.pixels[at].rgb;
        vec3 light = tone_decode(code);
        if (TONE_FROM != TONE_LINEAR) {
            uvec3 codes = uvec3(code * float(WORD_MOST) + 0.5);
            light = vec3(tone_lights[codes.r], tone_lights[codes.g], tone_lights[codes.b]);
        }
        colours.pixels[at].rgb = tone_shown(light);
    }
    tone_report();
}
