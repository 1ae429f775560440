// A copy, as fast as a shader can: what a pass that moves as many bytes is compared with.
#version 460
layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly buffer From { uvec4 from[]; };
layout(set = 0, binding = 1, std430) writeonly buffer To { uvec4 to[]; };
layout(push_constant) uniform Length { uint length; };

void main() {
    uint index = gl_GlobalInvocationID.x;
    if (index < length) {
        to[index] = from[index];
    }
}
