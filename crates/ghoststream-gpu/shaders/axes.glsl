// The filters of both axes, where sizes differ. Keep in step with pass/axes.rs.

// Of each column of the picture: the first column of the source that it is made of, then its fix, then the
// weight of that column and of those after it.
layout(set = 3, binding = 0, std430) readonly buffer Across { float across[]; } axis_across;

// Of each row, in the same way.
layout(set = 3, binding = 1, std430) readonly buffer Down { float down[]; } axis_down;

// What scale_across.comp makes: rows of the source, filtered across.
layout(set = 3, binding = 2, std430) buffer Halfway { vec4 colours[]; } halfway;

// The weights that every result has which is not at an edge, where there are such: see EXACT.
layout(set = 3, binding = 3, std140) uniform Axes {
    // xy: weights of a result across and down; z: columns of the output that a workgroup makes.
    ivec4 taps;
    // xy: the source's column and row from which the first result would be made if there were no edge.
    ivec4 origin;
    vec4 across[16];
    vec4 down[16];
} axes;

// What is read is what scale_across.comp has made: nothing is left to be done across.
layout(constant_id = 16) const bool HALFWAY = false;

// Whether the source has a whole number of columns and of rows for each of the picture's. Every result is
// then made with the same weights. At an edge those beyond count for nothing, and the result is multiplied
// by its fix, so that the others add up to one again.
layout(constant_id = 17) const bool EXACT = false;
// How many columns and rows there are for each.
layout(constant_id = 18) const int STEP_ACROSS = 1;
layout(constant_id = 19) const int STEP_DOWN = 1;
// Weights of a result, in steps.
layout(constant_id = 20) const int PARTS_ACROSS = 1;
layout(constant_id = 21) const int PARTS_DOWN = 1;

// What stands before the weights.
const int HEAD = 2;

int record_across(int column) {
    return column * (HEAD + axes.taps.x);
}

int record_down(int row) {
    return row * (HEAD + axes.taps.y);
}

int first_across(int column) {
    return HALFWAY ? column : int(axis_across.across[record_across(column)]);
}

int first_down(int row) {
    return int(axis_down.down[record_down(row)]);
}

// The weight of a source's row in a result.
float weight_down(int row, int source_row) {
    int record = record_down(row);
    int tap = source_row - int(axis_down.down[record]);
    return tap >= 0 && tap < axes.taps.y ? axis_down.down[record + HEAD + tap] : 0.0;
}
