// The pass where a picture becomes exactly half as wide and half as high, by a filter whose weights lie
// evenly around each result. Each invocation filters one column of two by two pixels down, in registers, and
// then one column of the output across. Workgroups of 32 keep what they share in the texture cache.
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

// Rows of the output that a workgroup makes, and its invocations.
const int ROWS = 4;
const int LANES = 32;

// Two by two pixels that a result takes in beside its own, on either side.
const int BESIDE = PARTS_ACROSS / 2;
// Invocations before the first column that is written: the one on its left has a part in chroma.
const int BEFORE = BESIDE + 1;
// Columns that are written.
const int COLUMNS = (LANES - BEFORE - BESIDE) / 4 * 4;
const int TAPS = 2 * PARTS_ACROSS;

// Of each row and invocation: its columns of the source, filtered down; later the left one is the output's.
shared float reds[ROWS][2][LANES];
shared float greens[ROWS][2][LANES];
shared float blues[ROWS][2][LANES];

float weight_of(int tap) {
    return axes.across[tap >> 2][tap & 3];
}

void keep(int row, int side, int lane, vec3 colour) {
    reds[row][side][lane] = colour.r;
    greens[row][side][lane] = colour.g;
    blues[row][side][lane] = colour.b;
}

vec3 kept(int row, int side, int lane) {
    return vec3(reds[row][side][lane], greens[row][side][lane], blues[row][side][lane]);
}

// Filters down what is shown at two columns of the source, for the rows of the output from `top` on.
void down(int lane, int column, int top, bool pointed) {
    vec3 left[ROWS], right[ROWS];
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        left[row] = vec3(0.0);
        right[row] = vec3(0.0);
    }
    bool edge = top < BESIDE || top + ROWS + BESIDE > params.content.w;
    [[unroll]] for (int quad = 0; quad < ROWS + 2 * BESIDE; quad++) {
        int y = top + quad - BESIDE;
        ivec2 at = 2 * ivec2(column, y);
        vec3 colours[4];
        quad_colours(at, colours);
        if (pointed) {
            for (int i = 0; i < 4; i++) {
                colours[i] = with_pointer(buffer_place(at + ivec2(i & 1, i >> 1)), colours[i]);
            }
        }
        if (edge && (y < 0 || y >= params.content.w)) {
            colours = vec3[](vec3(0.0), vec3(0.0), vec3(0.0), vec3(0.0));
        }
        [[unroll]] for (int row = 0; row < ROWS; row++) {
            int tap = 2 * (quad - row);
            if (tap >= 0 && tap <= TAPS) {
                // The middle of the weights is the middle of the row's own two by two.
                if (tap > 0) {
                    left[row] += weight_of(tap - 1) * colours[0];
                    right[row] += weight_of(tap - 1) * colours[1];
                }
                if (tap < TAPS) {
                    left[row] += weight_of(tap) * colours[2];
                    right[row] += weight_of(tap) * colours[3];
                }
            }
        }
    }
    float counts = column >= 0 && column < params.content.z ? 1.0 : 0.0;
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        float fix = counts;
        if (edge) {
            fix *= axis_down.down[record_down(clamp(top + row, 0, params.content.w - 1)) + 1];
        }
        keep(row, 0, lane, fix * left[row]);
        keep(row, 1, lane, fix * right[row]);
    }
}

// Filters across for one column of the output.
void across(int lane, int column, out vec3 colours[ROWS]) {
    int made = clamp(column, 0, params.content.z - 1);
    bool edge = column < BESIDE || column + BESIDE >= params.content.z;
    float fix = edge ? axis_across.across[record_across(made) + 1] : 1.0;
    [[unroll]] for (int row = 0; row < ROWS; row++) {
        vec3 sum = vec3(0.0);
        [[unroll]] for (int tap = 0; tap < TAPS; tap++) {
            // The first weight is that of a right column.
            int other = clamp(lane + (tap + 1) / 2 - BESIDE, 0, LANES - 1);
            sum += weight_of(tap) * kept(row, 1 - tap % 2, other);
        }
        colours[row] = clamp(fix * sum, 0.0, 1.0);
    }
}

// Writes four by two pixels; `lane` made the first column.
void write(ivec2 at, int lane, int row) {
    ivec2 within = at - params.content.xy;
    vec3 colours[2][ACROSS];
    vec3 means[ACROSS / 2] = vec3[](vec3(0.0), vec3(0.0));
    [[unroll]] for (int y = 0; y < 2; y++) {
        vec3 left = kept(row + y, 0, lane - 1);
        [[unroll]] for (int pair = 0; pair < ACROSS / 2; pair++) {
            vec3 middle = kept(row + y, 0, lane + 2 * pair), right = kept(row + y, 0, lane + 2 * pair + 1);
            // The first column has none beside it.
            left = within.x + 2 * pair > 0 ? left : middle;
            means[pair] += 0.125 * (left + 2.0 * middle + right);
            colours[y][2 * pair] = middle;
            colours[y][2 * pair + 1] = right;
            left = right;
        }
    }
    bool whole = all(greaterThanEqual(within, ivec2(0)))
        && all(lessThan(within + ivec2(ACROSS - 1, 1), params.content.zw));
    if (TARGET == TARGET_FULL || TARGET == TARGET_PACKED || !whole) {
        put(at, colours, means);
    } else {
        put_whole(at, colours, means);
    }
}

void main() {
    int lane = int(gl_LocalInvocationIndex);
    ivec2 tile = ivec2(gl_WorkGroupID.xy) * ivec2(COLUMNS, ROWS);
    ivec2 within = tile - params.content.xy;
    bool shows = all(lessThan(within, params.content.zw))
        && all(greaterThan(within + ivec2(COLUMNS, ROWS), ivec2(0)));
    if (shows) {
        ivec2 end = params.view.zw - 1;
        ivec2 first = 2 * (within - ivec2(BEFORE, BESIDE));
        ivec2 last = 2 * (within + ivec2(COLUMNS, ROWS) + BESIDE) - 1;
        bool pointed = pointer_near(
            buffer_place(clamp(first, ivec2(0), end)), buffer_place(clamp(last, ivec2(0), end)));
        int column = within.x + lane - BEFORE;
        down(lane, column, within.y, pointed);
        barrier();
        vec3 colours[ROWS];
        across(lane, column, colours);
        barrier();
        [[unroll]] for (int row = 0; row < ROWS; row++) {
            keep(row, 0, lane, colours[row]);
        }
        barrier();
    }
    const int BLOCKS = COLUMNS / ACROSS;
    if (lane < BLOCKS * ROWS / 2) {
        int block = lane % BLOCKS, row = lane / BLOCKS * 2;
        ivec2 at = tile + ivec2(block * ACROSS, row);
        if (all(lessThan(at, params.size.xy))) {
            write(at, BEFORE + block * ACROSS, row);
        }
    }
}
