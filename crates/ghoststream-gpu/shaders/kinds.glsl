// Which kinds of picture a pipeline is for: its specialization constants. Keep in step with pass/kinds.rs.
// From 16 on they are each shader's own.

// Invocations of a workgroup, across and down.
layout(local_size_x_id = 0, local_size_y_id = 1) in;

// How the source's pixels lie in its images.
layout(constant_id = 2) const uint SOURCE = 0;
const uint SOURCE_WORDS = 0;  // one image of words: red, green and blue of 8 bits, or of ten
const uint SOURCE_HALVES = 1; // one image of two words: red and green, blue and alpha, in half floats
const uint SOURCE_BYTES = 2;  // one image of bytes, three to a pixel
const uint SOURCE_PAIRS = 3;  // 4:2:0: an image of luma, and one of Cb below Cr in one number
const uint SOURCE_PLANES = 4; // 4:2:0: an image each of luma, Cb and Cr
const uint SOURCE_YUYV = 5;   // 4:2:2: one image of half the width: from the lowest byte luma, Cb, luma, Cr

// Where red, green and blue are: the first, second and third byte of the constant. Of SOURCE_WORDS the
// lowest bit, of SOURCE_BYTES which byte it is.
layout(constant_id = 3) const uint SOURCE_ORDER = 0;

// How a sample of the source lies in memory.
layout(constant_id = 4) const uint SOURCE_SAMPLE = 0;
const uint SAMPLE_BYTE = 0; // 8 bits
const uint SAMPLE_HIGH = 1; // the upper ten of 16 bits
const uint SAMPLE_LOW = 2;  // the lower ten of 16 bits; of SOURCE_WORDS ten of the word's

// The largest code value of SOURCE_WORDS.
const uint WORD_MOST = SOURCE_SAMPLE == SAMPLE_BYTE ? 255u : 1023u;

// The planes of the output.
layout(constant_id = 5) const uint TARGET = 0;
const uint TARGET_PAIRS = 0;  // 4:2:0: luma, then Cb and Cr
const uint TARGET_PLANES = 1; // 4:2:0: luma, Cb, Cr
const uint TARGET_FULL = 2;   // 4:4:4: luma, Cb, Cr
const uint TARGET_PACKED = 3; // one plane of red, green and blue, four bytes a pixel

// Of TARGET_PACKED: the lowest bit of red, green and blue in a little-endian word: first, second and
// third byte of the constant.
layout(constant_id = 6) const uint TARGET_ORDER = 0;

// How a sample of the other targets lies in memory, as of the source.
layout(constant_id = 7) const uint TARGET_SAMPLE = 0;

// Whether the output has fewer bits than the source, so that it is dithered.
layout(constant_id = 8) const bool DITHERED = false;

// Whether luma and chroma of the source are those of the output: nothing is turned, the colour is the
// same, the chroma lies in the same places.
layout(constant_id = 9) const bool CARRIED = false;

// From 10 to 13: tone.glsl.

// Whether the picture lies in the buffer as it is shown, of luma and chroma from an even place on.
layout(constant_id = 14) const bool UPRIGHT = false;
