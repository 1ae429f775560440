// What a pass is told of its picture, and where it reads and writes. Keep in step with pass/params.rs.

// The output: all planes in one buffer. Seen in words of four bytes, in two and in four of them: stores
// as wide as the rows allow.
layout(set = 0, binding = 0, std430) writeonly buffer Words { uint words[]; } target;
layout(set = 0, binding = 0, std430) writeonly buffer Pairs { uvec2 pairs[]; } target_pairs;
layout(set = 0, binding = 0, std430) writeonly buffer Quads { uvec4 quads[]; } target_quads;

layout(set = 0, binding = 1, std140) uniform Params {
    // xy: the buffer's pixel that is shown at (0, 0); zw: pixels across and down of what is shown.
    ivec4 view;
    // xy: how far in the buffer one pixel to the right is; zw: one pixel down.
    ivec4 steps;
    // Where in the output the picture is: x, y, width, height; x and y are even.
    ivec4 content;
    // xy: pixels across and down of the output; z: words from row to row, in every plane.
    ivec4 size;
    // Words before each plane.
    ivec4 planes;
    // The pointer in the buffer: x, y, width, height; no width where there is none.
    ivec4 pointer;
    // xy: the last column and row of the buffer's chroma.
    ivec4 chroma;
    // xy: 1 divided by the pixels across and down of the buffer.
    vec4 texel;
    // The source's luma, Cb and Cr, in code values, into red, green and blue from 0 to 1; w is added.
    vec4 to_red;
    vec4 to_green;
    vec4 to_blue;
    // Red, green and blue from 0 to 1 into the output's code values; w is what is added.
    vec4 to_luma;
    vec4 to_cb;
    vec4 to_cr;
    // Code values of black and of no colour; z: the largest.
    vec4 levels;
} params;

// The source's planes, in numbers as they lie in memory. Their sampler takes the nearest, at the edges the
// last.
layout(set = 1, binding = 0) uniform usampler2D source0;
layout(set = 1, binding = 1) uniform usampler2D source1;
layout(set = 1, binding = 2) uniform usampler2D source2;

// The pointer, premultiplied.
layout(set = 2, binding = 0) uniform texture2D pointer;
