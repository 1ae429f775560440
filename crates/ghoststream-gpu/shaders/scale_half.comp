// The pass where a picture becomes exactly half as wide and half as high, by a filter whose weights lie
// evenly around each result. Each invocation filters one column of two by two pixels down, in registers, and
// then one column of the output across.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#extension GL_EXT_control_flow_attributes : require
#define ACROSS 4
#include "params.glsl"
#include "kinds.glsl"
#include "source.glsl"
#include "target.glsl"
#include "axes.glsl"

// Rows of the output that LANES invocations make, side by side. The GROUPS of a workgroup lie one below the
// other.
layout(constant_id = 22) const int ROWS = 4;
const int LANES = 32;
const int GROUPS = int(gl_WorkGroupSize.y);

// Weights of a result, from the middle on: the same to either side. Numbers that the compiler knows.
layout(constant_id = 23) const float WEIGHT_0 = 0.0;
layout(constant_id = 24) const float WEIGHT_1 = 0.0;
layout(constant_id = 25) const float WEIGHT_2 = 0.0;
layout(constant_id = 26) const float WEIGHT_3 = 0.0;
layout(constant_id = 27) const float WEIGHT_4 = 0.0;
layout(constant_id = 28) const float WEIGHT_5 = 0.0;

// Whether a pointer may be over the picture: that one may be costs registers that all else could use. Keep in step
// with pass/scale.rs.
layout(constant_id = 15) const bool POINTED = true;

// Two by two pixels that a result takes in beside its own, on either side.
const int BESIDE = PARTS_ACROSS / 2;
// Invocations before the first column that is written: the one on its left has a part in chroma.
const int BEFORE = BESIDE + 1;
// Columns that are written.
const int COLUMNS = (LANES - BEFORE - BESIDE) / 4 * 4;
const int TAPS = 2 * PARTS_ACROSS;

// Of each group, row and invocation: its two columns of the source, filtered down, in one load; the bits of floats,
// or what halve_bytes.glsl keeps. What is beside the first and the last invocation may be anything: none that reads
// it is written.
const int PITCH = LANES + 2 * BESIDE;
shared uvec2 reds[GROUPS][ROWS][PITCH];
shared uvec2 greens[GROUPS][ROWS][PITCH];
shared uvec2 blues[GROUPS][ROWS][PITCH];

// The same of the output's columns.
shared float made_reds[GROUPS][ROWS][LANES];
shared float made_greens[GROUPS][ROWS][LANES];
shared float made_blues[GROUPS][ROWS][LANES];

float weight_of(int tap) {
    float weights[6] = float[](WEIGHT_0, WEIGHT_1, WEIGHT_2, WEIGHT_3, WEIGHT_4, WEIGHT_5);
    return weights[tap < PARTS_ACROSS ? PARTS_ACROSS - 1 - tap : tap - PARTS_ACROSS];
}

void keep(int group, int row, int lane, vec3 left, vec3 right) {
    reds[group][row][lane] = floatBitsToUint(vec2(left.r, right.r));
    greens[group][row][lane] = floatBitsToUint(vec2(left.g, right.g));
    blues[group][row][lane] = floatBitsToUint(vec2(left.b, right.b));
}

void kept(int group, int row, int lane, out vec3 left, out vec3 right) {
    vec2 red = uintBitsToFloat(reds[group][row][lane]);
    vec2 green = uintBitsToFloat(greens[group][row][lane]);
    vec2 blue = uintBitsToFloat(blues[group][row][lane]);
    left = vec3(red.x, green.x, blue.x);
    right = vec3(red.y, green.y, blue.y);
}

vec3 made(int group, int row, int lane) {
    return vec3(made_reds[group][row][lane], made_greens[group][row][lane], made_blues[group][row][lane]);
}

// Filters down what is shown at two columns of the source, for the rows of the output from `top` on. `plain`:
// away from the edges and the pointer.
void down(int column, int top, bool plain, bool pointed, out vec3 left[ROWS], out vec3 right[ROWS]) {
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        left[row] = vec3(0.0);
        right[row] = vec3(0.0);
    }
    [[unroll]] for (int quad = 0; quad < ROWS + 2 * BESIDE; quad++) {
        int y = top + quad - BESIDE;
        ivec2 at = 2 * ivec2(column, y);
        vec3 numbers[4];
        quad_numbers(at, numbers);
        if (!plain) {
            if (pointed) {
                [[unroll]] for (int i = 0; i < 4; i++) {
                    ivec2 place = buffer_place(at + ivec2(i & 1, i >> 1));
                    numbers[i] = with_pointer(place, numbers[i] * quad_unit()) * (1.0 / quad_unit());
                }
            }
            // What is outside counts for nothing, and the others for more: their fix, below.
            bool inside = uint(y) < uint(params.content.w) && uint(column) < uint(params.content.z);
            [[unroll]] for (int i = 0; i < 4; i++) {
                numbers[i] = inside ? numbers[i] : vec3(0.0);
            }
        }
        [[unroll]] for (int row = 0; row < ROWS; row++) {
            // The middle of the weights is the middle of the row's own two by two.
            int tap = 2 * (quad - row);
            if (tap > 0 && tap <= TAPS) {
                float weight = weight_of(tap - 1) * quad_unit();
                left[row] += weight * numbers[0];
                right[row] += weight * numbers[1];
            }
            if (tap >= 0 && tap < TAPS) {
                float weight = weight_of(tap) * quad_unit();
                left[row] += weight * numbers[2];
                right[row] += weight * numbers[3];
            }
        }
    }
}

// Filters across for one column of the output, what `down` has made in this invocation and in those beside it.
void across(int group, int lane, ivec2 within, bool plain, vec3 left[ROWS], vec3 right[ROWS]) {
    int here = lane + BESIDE;
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        keep(group, row, here, left[row], right[row]);
    }
    barrier();
    float fix = 1.0;
    if (!plain) {
        fix = axis_across.across[record_across(clamp(within.x, 0, params.content.z - 1)) + 1];
    }
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        vec3 sum = weight_of(PARTS_ACROSS - 1) * (left[row] + right[row]);
        [[unroll]] for (int other = -BESIDE; other <= BESIDE; other++) {
            // The first weight is that of a right column.
            int tap = 2 * (other + BESIDE) - 1;
            if (other != 0) {
                vec3 beside_left, beside_right;
                kept(group, row, here + other, beside_left, beside_right);
                if (tap >= 0) {
                    sum += weight_of(tap) * beside_left;
                }
                if (tap + 1 < TAPS) {
                    sum += weight_of(tap + 1) * beside_right;
                }
            }
        }
        float whole = fix;
        if (!plain) {
            whole *= axis_down.down[record_down(clamp(within.y + row, 0, params.content.w - 1)) + 1];
        }
        sum = clamp(whole * sum, 0.0, 1.0);
        made_reds[group][row][lane] = sum.r;
        made_greens[group][row][lane] = sum.g;
        made_blues[group][row][lane] = sum.b;
    }
    barrier();
}

// Writes four by two pixels; `lane` made the first column.
void write(ivec2 at, int group, int lane, int row, bool plain) {
    ivec2 within = at - params.content.xy;
    vec3 colours[2][ACROSS];
    vec3 means[ACROSS / 2] = vec3[](vec3(0.0), vec3(0.0));
    [[unroll]] for (int y = 0; y < 2; y++) {
        vec3 left = made(group, row + y, lane - 1);
        [[unroll]] for (int pair = 0; pair < ACROSS / 2; pair++) {
            vec3 middle = made(group, row + y, lane + 2 * pair);
            vec3 right = made(group, row + y, lane + 2 * pair + 1);
            // The first column has none beside it.
            left = plain || within.x + 2 * pair > 0 ? left : middle;
            means[pair] += 0.125 * (left + 2.0 * middle + right);
            colours[y][2 * pair] = middle;
            colours[y][2 * pair + 1] = right;
            left = right;
        }
    }
    if (plain && TARGET != TARGET_FULL && TARGET != TARGET_PACKED) {
        put_whole(at, colours, means, rounding_of(at));
    } else {
        put(at, colours, means);
    }
}

#include "halve_bytes.glsl"

// Makes a group's rows; `within` is this invocation's column.
void make(int group, int lane, ivec2 within, bool plain, bool pointed) {
    if (plain && halves_bytes()) {
        make_bytes(group, lane, within);
        return;
    }
    vec3 left[ROWS], right[ROWS];
    down(within.x, within.y, plain, pointed, left, right);
    across(group, lane, within, plain, left, right);
}

void write_all(int group, int lane, ivec2 at, bool plain) {
    const int BLOCKS = COLUMNS / ACROSS;
    if (lane < BLOCKS * ROWS / 2) {
        int block = lane % BLOCKS, row = lane / BLOCKS * 2;
        ivec2 first = at + ivec2(block * ACROSS, row);
        if (plain || all(lessThan(first, params.size.xy))) {
            write(first, group, BEFORE + block * ACROSS, row, plain);
        }
    }
}

void main() {
    int lane = int(gl_LocalInvocationID.x), group = int(gl_LocalInvocationID.y);
    ivec2 tile = ivec2(gl_WorkGroupID.xy) * ivec2(COLUMNS, ROWS * GROUPS);
    ivec2 at = tile + ivec2(0, ROWS * group);
    ivec2 within = tile - params.content.xy;
    // What is read, in pixels of the output, and whether all of that is there.
    ivec2 first = within - ivec2(BEFORE, BESIDE);
    ivec2 end = within + ivec2(LANES - BEFORE, ROWS * GROUPS + BESIDE);
    bool inside = all(greaterThanEqual(first, ivec2(0))) && all(lessThanEqual(end, params.content.zw));
    ivec2 last = params.view.zw - 1;
    bool pointed = POINTED && pointer_near(
        buffer_place(clamp(2 * first, ivec2(0), last)), buffer_place(clamp(2 * end - 1, ivec2(0), last)));
    bool shows = all(lessThan(within, params.content.zw)) && all(greaterThan(end, ivec2(0)));
    ivec2 own = at - params.content.xy + ivec2(lane - BEFORE, 0);
    if (inside && !pointed) {
        make(group, lane, own, true, false);
        write_all(group, lane, at, true);
    } else {
        if (shows) {
            make(group, lane, own, false, pointed);
        }
        write_all(group, lane, at, false);
    }
    tone_report();
}
