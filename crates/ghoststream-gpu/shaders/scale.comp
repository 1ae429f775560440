// The pass where sizes differ. Each workgroup makes a tile of 16 rows of the output: it filters the columns
// of the source that the tile is made of down, two in each invocation, then what that made across, and
// converts. Every column but those at the tile's sides is read by one workgroup only.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_EXT_control_flow_attributes : require
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "target.glsl"
#include "axes.glsl"

// For how many rows of the output an invocation reads at once: the more, the more is under way to it.
layout(constant_id = 22) const int BATCH = 1;
const int QUADS = (BATCH * STEP_DOWN + 1) / 2;

// Rows of a tile.
const int ROWS = 16;

// Columns that are filtered down lie apart, so that invocations that make neighbouring blocks of eight
// columns read neighbouring words, and the rows' lengths are such that four of them share no bank.
const int APART = EXACT ? 8 * STEP_ACROSS : 16;
const int PITCH = 164;

shared float reds[ROWS * PITCH];
shared float greens[ROWS * PITCH];
shared float blues[ROWS * PITCH];

int kept_at(int row, int column) {
    return row * PITCH + column % APART * (160 / APART) + column / APART;
}

void keep(int row, int column, vec3 colour) {
    int at = kept_at(row, column);
    reds[at] = colour.r;
    greens[at] = colour.g;
    blues[at] = colour.b;
}

vec3 kept(int at) {
    return vec3(reds[at], greens[at], blues[at]);
}

// Two by two pixels of what is scaled: one, right of it, below it, and right of that. What is beyond the edges
// may be anything.
void read(ivec2 at, bool pointed, out vec3 colours[4]) {
    if (HAS_QUADS && !HALFWAY) {
        quad_colours(at, colours);
    }
    ivec2 last = params.view.zw - 1;
    for (int i = 0; i < 4 && (HALFWAY || !HAS_QUADS); i++) {
        ivec2 here = clamp(at + ivec2(i & 1, i >> 1), ivec2(0), last);
        if (HALFWAY) {
            colours[i] = halfway.colours[here.y * params.content.z + min(here.x, params.content.z - 1)].rgb;
        } else {
            colours[i] = buffer_colour(buffer_place(here));
        }
    }
    if (pointed) {
        for (int i = 0; i < 4; i++) {
            colours[i] = with_pointer(buffer_place(at + ivec2(i & 1, i >> 1)), colours[i]);
        }
    }
}

// Filters columns down, from `first` of the source on, for the rows from `top` of the picture on.
void down_any(int first, int columns, int top, bool pointed) {
    // Four rows at once have most of the source's rows in common.
    const int MANY = 4;
    int last = params.content.w - 1;
    int column = int(gl_LocalInvocationIndex) * 2;
    for (; column < columns; column += int(gl_WorkGroupSize.x) * 2) {
        for (int base = 0; base < ROWS; base += MANY) {
            ivec4 rows = clamp(top + base + ivec4(0, 1, 2, 3), ivec4(0), ivec4(last));
            vec3 sums[MANY][2];
            [[unroll]] for (int i = 0; i < MANY; i++) {
                sums[i] = vec3[](vec3(0.0), vec3(0.0));
            }
            int end = first_down(rows[MANY - 1]) + axes.taps.y;
            for (int row = first_down(rows[0]); row < end; row += 2) {
                vec3 colours[4];
                read(ivec2(first + column, row), pointed, colours);
                [[unroll]] for (int i = 0; i < MANY; i++) {
                    float above = weight_down(rows[i], row), below = weight_down(rows[i], row + 1);
                    sums[i][0] += above * colours[0] + below * colours[2];
                    sums[i][1] += above * colours[1] + below * colours[3];
                }
            }
            [[unroll]] for (int i = 0; i < MANY; i++) {
                keep(base + i, column, sums[i][0]);
                keep(base + i, column + 1, sums[i][1]);
            }
        }
    }
}

float exact_down(int tap) {
    return axes.down[tap >> 2][tap & 3];
}

float exact_across(int tap) {
    return axes.across[tap >> 2][tap & 3];
}

// The same where every row has the same weights: each pixel is read once, and added to all the rows that it
// has a part in. `first` may lie outside the source.
void down_exact(ivec2 first, int columns, int top, bool pointed) {
    int column = int(gl_LocalInvocationIndex) * 2;
    if (column >= columns) {
        return;
    }
    ivec2 x = first.x + column + ivec2(0, 1);
    vec2 counts = vec2(lessThan(uvec2(x), uvec2(params.view.z)));
    bool edge = top * STEP_DOWN + axes.origin.y < 0
        || (top + ROWS + PARTS_DOWN - 1 + BATCH) * STEP_DOWN + axes.origin.y >= params.view.w;
    vec3 sums[PARTS_DOWN][2];
    [[unroll]] for (int part = 0; part < PARTS_DOWN; part++) {
        sums[part] = vec3[](vec3(0.0), vec3(0.0));
    }
    for (int at = 0; at < ROWS + PARTS_DOWN - 1; at += BATCH) {
        vec3 quads[QUADS][4];
        int y = first.y + at * STEP_DOWN;
        [[unroll]] for (int i = 0; i < QUADS; i++) {
            read(ivec2(x.x, y + 2 * i), pointed, quads[i]);
        }
        if (edge) {
            [[unroll]] for (int i = 0; i < QUADS; i++) {
                vec2 count = vec2(lessThan(uvec2(y + 2 * i, y + 2 * i + 1), uvec2(params.view.w)));
                [[unroll]] for (int pixel = 0; pixel < 4; pixel++) {
                    quads[i][pixel] *= count[pixel >> 1];
                }
            }
        }
        [[unroll]] for (int i = 0; i < BATCH; i++) {
            [[unroll]] for (int tap = i * STEP_DOWN; tap < (i + 1) * STEP_DOWN; tap++) {
                vec3 left = quads[tap >> 1][tap % 2 * 2], right = quads[tap >> 1][tap % 2 * 2 + 1];
                [[unroll]] for (int part = 0; part < PARTS_DOWN; part++) {
                    float weight = exact_down((PARTS_DOWN - 1 - part) * STEP_DOWN + tap - i * STEP_DOWN);
                    sums[part][0] += weight * left;
                    sums[part][1] += weight * right;
                }
            }
            // The first of them is whole now.
            int row = at + i - (PARTS_DOWN - 1);
            if (row >= 0 && row < ROWS) {
                int made = clamp(top + row, 0, params.content.w - 1);
                float fix = edge ? axis_down.down[record_down(made) + 1] : 1.0;
                keep(row, column, fix * counts[0] * sums[0][0]);
                keep(row, column + 1, fix * counts[1] * sums[0][1]);
            }
            [[unroll]] for (int part = 1; part < PARTS_DOWN; part++) {
                sums[part - 1] = sums[part];
            }
            sums[PARTS_DOWN - 1] = vec3[](vec3(0.0), vec3(0.0));
        }
    }
}

// Filters across: nine columns of the picture from `left` on. `first` is the source's column that the kept
// ones begin with.
void across_any(int row, int left, int first, out vec3 colours[9]) {
    for (int i = 0; i < 9; i++) {
        int column = clamp(left + i, 0, params.content.z - 1);
        int from = first_across(column) - first;
        if (HALFWAY) {
            colours[i] = kept(kept_at(row, from));
            continue;
        }
        int weights = record_across(column) + HEAD;
        vec3 sum = vec3(0.0);
        for (int tap = 0; tap < axes.taps.x; tap++) {
            sum += axis_across.across[weights + tap] * kept(kept_at(row, from + tap));
        }
        colours[i] = sum;
    }
}

// The same where every column has the same weights, for a block of the tile.
void across_exact(int row, int left, int block, out vec3 colours[9]) {
    [[unroll]] for (int i = 0; i < 9; i++) {
        colours[i] = vec3(0.0);
    }
    [[unroll]] for (int from = 0; from < (8 + PARTS_ACROSS) * STEP_ACROSS; from++) {
        vec3 colour = kept(kept_at(row, from) + block);
        [[unroll]] for (int i = 0; i < 9; i++) {
            int tap = from - i * STEP_ACROSS;
            if (tap >= 0 && tap < PARTS_ACROSS * STEP_ACROSS) {
                colours[i] += exact_across(tap) * colour;
            }
        }
    }
    bool edge = left * STEP_ACROSS + axes.origin.x < 0
        || (left + 8 + PARTS_ACROSS) * STEP_ACROSS + axes.origin.x > params.view.z;
    if (edge) {
        for (int i = 0; i < 9; i++) {
            int column = clamp(left + i, 0, params.content.z - 1);
            colours[i] *= axis_across.across[record_across(column) + 1];
        }
    }
}

// Makes eight by two pixels of the output.
void make(ivec2 at, int block, int row, int first) {
    ivec2 within = at - params.content.xy;
    vec3 colours[2][8];
    vec3 means[4] = vec3[](vec3(0.0), vec3(0.0), vec3(0.0), vec3(0.0));
    [[unroll]] for (int y = 0; y < 2; y++) {
        vec3 nine[9];
        if (EXACT) {
            across_exact(row + y, within.x - 1, block, nine);
        } else {
            across_any(row + y, within.x - 1, first, nine);
        }
        [[unroll]] for (int i = 0; i < 9; i++) {
            nine[i] = clamp(nine[i], 0.0, 1.0);
        }
        [[unroll]] for (int pair = 0; pair < 4; pair++) {
            vec3 middle = nine[2 * pair + 1], right = nine[2 * pair + 2];
            // The first column has none beside it.
            vec3 left = within.x + 2 * pair > 0 ? nine[2 * pair] : middle;
            means[pair] += 0.125 * (left + 2.0 * middle + right);
            colours[y][2 * pair] = middle;
            colours[y][2 * pair + 1] = right;
        }
    }
    put(at, colours, means);
}

// The part of the source that a tile is made of: its first pixel, and how many across and down. Where it is
// EXACT it may reach beyond the edges.
ivec4 part(ivec2 within) {
    if (EXACT) {
        ivec2 step = ivec2(STEP_ACROSS, STEP_DOWN);
        ivec2 many = ivec2(axes.taps.z + PARTS_ACROSS, ROWS + PARTS_DOWN - 1);
        return ivec4((within - ivec2(1, 0)) * step + axes.origin.xy, many * step);
    }
    ivec2 last = params.content.zw - 1;
    ivec2 from = clamp(within - ivec2(1, 0), ivec2(0), last);
    ivec2 to = clamp(within + ivec2(axes.taps.z, ROWS) - 1, ivec2(0), last);
    ivec2 first = ivec2(first_across(from.x), first_down(from.y));
    ivec2 end = ivec2(first_across(to.x), first_down(to.y)) + ivec2(HALFWAY ? 1 : axes.taps.x, axes.taps.y);
    return ivec4(first, end - first);
}

void main() {
    ivec2 tile = ivec2(gl_WorkGroupID.xy) * ivec2(axes.taps.z, ROWS);
    ivec2 within = tile - params.content.xy;
    ivec4 source = part(within);
    bool shows = all(lessThan(within, params.content.zw))
        && all(greaterThan(within + ivec2(axes.taps.z, ROWS), ivec2(0)));
    if (shows) {
        ivec2 end = params.view.zw - 1;
        bool pointed = !HALFWAY && pointer_near(
            buffer_place(clamp(source.xy, ivec2(0), end)),
            buffer_place(clamp(source.xy + source.zw - 1, ivec2(0), end)));
        if (EXACT) {
            down_exact(source.xy, source.z, within.y, pointed);
        } else {
            down_any(source.x, source.z, within.y, pointed);
        }
        barrier();
    }
    int blocks = axes.taps.z / 8;
    // Eight or sixteen blocks side by side, so that the division is a shift.
    int wide = blocks > 8 ? 16 : 8;
    for (int item = int(gl_LocalInvocationIndex); item < wide * ROWS / 2; item += int(gl_WorkGroupSize.x)) {
        int block = item % wide, row = item / wide * 2;
        ivec2 at = tile + ivec2(block * 8, row);
        if (block < blocks && all(lessThan(at, params.size.xy))) {
            make(at, block, row, source.x);
        }
    }
    tone_report();
}
