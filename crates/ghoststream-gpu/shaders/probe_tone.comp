// For tests: what tone.glsl makes of colours.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

layout(set = 0, binding = 0, std430) buffer Colours { vec4 pixels[]; } colours;

#include "tone.glsl"

void main() {
    uint at = gl_GlobalInvocationID.x;
    if (at < colours.pixels.length()) {
        colours.pixels[at].rgb = tone_convert(colours.pixels[at].rgb);
    }
    tone_report();
}
