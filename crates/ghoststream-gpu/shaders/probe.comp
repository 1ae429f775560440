// For tests: what a shader sees of an image, as it is.
#version 460
#extension GL_EXT_samplerless_texture_functions : require

layout(local_size_x = 8, local_size_y = 8) in;

layout(set = 0, binding = 0, std430) writeonly buffer Seen { vec4 pixels[]; } seen;
layout(set = 0, binding = 1) uniform texture2D source;

void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy);
    ivec2 size = textureSize(source, 0);
    if (all(lessThan(at, size))) {
        seen.pixels[at.y * size.x + at.x] = texelFetch(source, at, 0);
    }
}
