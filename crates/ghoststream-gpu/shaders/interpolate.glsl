// What the shaders of frame interpolation have in common. They do what crates/ghoststream-interpolation
// does, in the same whole numbers: what is a rule of it is explained there.

layout(constant_id = 0) const uint MODE = 0u;

layout(push_constant) uniform Push {
    ivec2 size;         // of the level or plane, in samples
    ivec2 blocks;       // of the level
    ivec2 above;        // the blocks of the level with half the size, or the size of the one with twice
    uint level;         // where the level begins in its pyramid, in bytes
    uint stride;        // from row to row, in bytes
    uint other;         // the same of the level with twice the size
    uint other_stride;
    uint pyramid;       // bytes of a pyramid: the second picture's follows the first's
    uint cells;         // blocks of the largest level
    uint from;          // which fields are read, 0 or 1
    uint into;          // which are written
    int step;           // quarters of a pixel
    int reach;          // blocks
    int time;           // 256ths
    uint plane;         // where the plane begins in a picture, in bytes
    uint pitch;         // from row to row, in bytes
    uint channels;
    uint halved;        // 1 where the plane is half as wide and high as the picture
    uint deep;          // 1 where samples have 16 bits
    uint shift;         // how far up in those they are
    uint depth;         // significant bits
} push;

layout(std430, set = 0, binding = 0) readonly buffer First { uint first_words[]; };
layout(std430, set = 0, binding = 1) readonly buffer Second { uint second_words[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Shown { uint shown_words[]; };
layout(std430, set = 0, binding = 3) buffer Pyramids { uint pyramid_words[]; };
layout(std430, set = 0, binding = 4) buffer Cells { uint cell_words[]; };

const int BORDER = 16;
const int BLOCK = 4;
const int WINDOW = 8;
const uint AREA = 64u;
const uint NEVER = 1u << 20;
const uint NOBODY = 0xffffffffu;
const int APART = 8;

// States of a block.
const uint UNKNOWN = 0u;
const uint MATCHED = 1u;
const uint COVERED = 2u;

// In which pictures a choice is seen.
const uint BOTH = 0u;
const uint FIRST = 1u;
const uint SECOND = 2u;

const ivec2 AROUND[8] = ivec2[8](ivec2(-1, 0), ivec2(1, 0), ivec2(0, -1), ivec2(0, 1), ivec2(-1, -1),
    ivec2(1, -1), ivec2(-1, 1), ivec2(1, 1));

// Cells, in words: two of each field, of what is known and of the layers for each direction; then one of
// the arrivals, before which lists of the lost blocks of a level lie there; then two of the choices; then
// counts, of the lost and of the matched.
uint field_at(uint which, uint way, uint cell) { return ((which * 2u + way) * push.cells + cell) * 2u; }
uint known_at(uint way, uint cell) { return ((4u + way) * push.cells + cell) * 2u; }
uint layer_at(uint way, uint cell) { return ((6u + way) * push.cells + cell) * 2u; }
uint arrival_at(uint way, uint cell) { return (16u + way) * push.cells + cell; }
uint list_at(uint way, uint index) { return (16u + way) * push.cells + index; }
uint choice_at(uint cell) { return 18u * push.cells + cell * 2u; }
uint lost_at(uint way) { return 20u * push.cells + way; }
uint matched_at() { return 20u * push.cells + 2u; }

uint packed(ivec2 vector) { return (uint(vector.x) & 0xffffu) | uint(vector.y) << 16; }
ivec2 unpacked(uint word) { return ivec2(int(word << 16) >> 16, int(word) >> 16); }

int distance_of(ivec2 a, ivec2 b) {
    ivec2 apart = abs(a - b);
    return max(apart.x, apart.y);
}

// Whether so few of the blocks are matched that the scene was cut. Of ten blocks, as many are matched at least
// where a scene goes on.
const uint GOES_ON = 3u;
bool was_cut() { return cell_words[matched_at()] * 10u < 2u * push.cells * GOES_ON; }

bool inside(ivec2 at, ivec2 size) {
    return all(greaterThanEqual(at, ivec2(0))) && all(lessThan(at, size));
}

// The part of a motion that is done at the time.
ivec2 until(ivec2 vector) { return (vector * push.time + 128) >> 8; }

// The block in which the middle of a block lies that moved.
ivec2 moved(ivec2 block, ivec2 vector) { return (block * (BLOCK * 4) + BLOCK * 2 + vector) >> 4; }
