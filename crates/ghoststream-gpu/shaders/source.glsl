// Reading a picture. Needs params.glsl and kinds.glsl. Who reads calls tone_report at its end.

#include "tone.glsl"

// A byte of a packed constant.
uint order(uint packed, int index) {
    return packed >> (8 * index) & 255u;
}

// A sample's code value, of 8 or ten bits.
uint sample_code(uint bits) {
    return SOURCE_SAMPLE == SAMPLE_HIGH ? bits >> 6 : SOURCE_SAMPLE == SAMPLE_LOW ? bits & 1023u : bits;
}

// Luma of a pixel of the buffer, in code values.
uint luma_code(ivec2 place) {
    if (SOURCE == SOURCE_YUYV) {
        uint both = texelFetch(source0, ivec2(place.x >> 1, place.y), 0).r;
        return both >> (16 * (place.x & 1)) & 255u;
    }
    return sample_code(texelFetch(source0, place, 0).r);
}

// Cb and Cr of a texel of SOURCE_PAIRS, in code values.
uvec2 pair_codes(uint pair) {
    int size = SOURCE_SAMPLE == SAMPLE_BYTE ? 8 : 16;
    return uvec2(sample_code(bitfieldExtract(pair, 0, size)), sample_code(pair >> size));
}

// Cb and Cr, by their place among samples of their kind, in code values.
uvec2 chroma_codes(ivec2 place) {
    if (SOURCE == SOURCE_YUYV) {
        uint word = texelFetch(source0, place, 0).r;
        return uvec2(word >> 8, word >> 24) & 255u;
    }
    if (SOURCE == SOURCE_PAIRS) {
        return pair_codes(texelFetch(source1, place, 0).r);
    }
    return uvec2(
        sample_code(texelFetch(source1, place, 0).r), sample_code(texelFetch(source2, place, 0).r));
}

// Chroma of a row at a pixel: sited on even columns, between them the mean of both neighbours.
vec2 chroma_across(int x, int row) {
    vec2 here = vec2(chroma_codes(ivec2(x >> 1, row)));
    if ((x & 1) == 0) {
        return here;
    }
    return 0.5 * (here + vec2(chroma_codes(ivec2(min((x >> 1) + 1, params.chroma.x), row))));
}

// Red, green and blue of luma and chroma in code values.
vec3 rgb_of(float luma, vec2 chroma) {
    vec4 ycc = vec4(luma, chroma, 1.0);
    return clamp(vec3(dot(params.to_red, ycc), dot(params.to_green, ycc), dot(params.to_blue, ycc)), 0.0, 1.0);
}

// Red, green and blue of a pixel of luma and chroma. Chroma of 4:2:0 is sited halfway between two rows, a
// quarter of the way to the next chroma row from either.
vec3 from_ycbcr(ivec2 place) {
    vec2 chroma;
    if (SOURCE == SOURCE_YUYV) {
        chroma = chroma_across(place.x, place.y);
    } else {
        int near = place.y >> 1;
        int far = clamp(near + ((place.y & 1) == 0 ? -1 : 1), 0, params.chroma.y);
        chroma = 0.75 * chroma_across(place.x, near) + 0.25 * chroma_across(place.x, far);
    }
    return rgb_of(float(luma_code(place)), chroma);
}

// Two by two pixels of SOURCE_PAIRS from an even place of the buffer on: luma by one gather, chroma by two.
void pairs_quad(ivec2 place, out vec3 colours[4]) {
    uvec4 luma = textureGather(source0, vec2(place + 1) * params.texel.xy, 0).wzxy;
    vec2 texel = 1.0 / vec2(params.chroma.xy + 1);
    ivec2 corner = (place >> 1) + ivec2(1, 0);
    uvec4 upper = textureGather(source1, vec2(corner) * texel, 0).wzxy;
    uvec4 lower = textureGather(source1, vec2(corner + ivec2(0, 1)) * texel, 0).wzxy;
    // Of this column of chroma and of the next: the row above the pixels', theirs, and the one below.
    vec2 above[2] = vec2[](vec2(pair_codes(upper.x)), vec2(pair_codes(upper.y)));
    vec2 here[2] = vec2[](vec2(pair_codes(upper.z)), vec2(pair_codes(upper.w)));
    vec2 below[2] = vec2[](vec2(pair_codes(lower.z)), vec2(pair_codes(lower.w)));
    for (int i = 0; i < 4; i++) {
        vec2 far[2] = i < 2 ? above : below;
        vec2 left = 0.75 * here[0] + 0.25 * far[0], right = 0.75 * here[1] + 0.25 * far[1];
        vec2 chroma = (i & 1) == 0 ? left : 0.5 * (left + right);
        colours[i] = rgb_of(float(sample_code(luma[i])), chroma);
    }
}

// Red, green and blue of a pixel of SOURCE_WORDS, up to WORD_MOST.
uvec3 word_codes(uint word) {
    uvec3 shifts = uvec3(order(SOURCE_ORDER, 0), order(SOURCE_ORDER, 1), order(SOURCE_ORDER, 2));
    return uvec3(word) >> shifts & WORD_MOST;
}

// The same from 0 to 1.
vec3 from_word(uint word) {
    return vec3(word_codes(word)) * (1.0 / float(WORD_MOST));
}

// The same of SOURCE_HALVES. What is no number is black.
vec3 from_halves(uint red_green, uint blue_alpha) {
    vec3 colour = vec3(unpackHalf2x16(red_green), unpackHalf2x16(blue_alpha).x);
    if (TONE_FROM == TONE_LINEAR) {
        return colour;
    }
    return clamp(mix(colour, vec3(0.0), isnan(colour)), 0.0, 1.0);
}

// A pixel of the buffer: red, green and blue in its own code values.
vec3 buffer_code(ivec2 place) {
    if (SOURCE == SOURCE_WORDS) {
        return from_word(texelFetch(source0, place, 0).r);
    }
    if (SOURCE == SOURCE_HALVES) {
        uvec2 words = texelFetch(source0, place, 0).rg;
        return from_halves(words.x, words.y);
    }
    if (SOURCE == SOURCE_BYTES) {
        ivec3 places = place.x * 3 + ivec3(order(SOURCE_ORDER, 0), order(SOURCE_ORDER, 1), order(SOURCE_ORDER, 2));
        return vec3(
            texelFetch(source0, ivec2(places.r, place.y), 0).r,
            texelFetch(source0, ivec2(places.g, place.y), 0).r,
            texelFetch(source0, ivec2(places.b, place.y), 0).r) / 255.0;
    }
    return from_ycbcr(place);
}

// What code values of the buffer are in the output's colour.
vec3 converted(vec3 code) {
    return TONE_FROM == TONE_NONE ? code : tone_convert(code);
}

// Red, green and blue in the output's code values, from 0 to 1, of what SOURCE_WORDS and SOURCE_HALVES have in
// memory.
vec3 raw_colour(uvec2 raw) {
    if (SOURCE == SOURCE_HALVES) {
        return converted(from_halves(raw.x, raw.y));
    }
#ifdef TONE_TABLES
    uvec3 codes = word_codes(raw.x);
    return tone_shown(vec3(tone_lights[codes.r], tone_lights[codes.g], tone_lights[codes.b]));
#else
    return converted(from_word(raw.x));
#endif
}

// A pixel of the buffer: red, green and blue in the output's code values, from 0 to 1.
vec3 buffer_colour(ivec2 place) {
    return converted(buffer_code(place));
}

// The pixel of the buffer that is shown at a place of the view.
ivec2 buffer_place(ivec2 at) {
    if (UPRIGHT) {
        return params.view.xy + at;
    }
    return params.view.xy + at.x * params.steps.xy + at.y * params.steps.zw;
}

// Whether quad_colours reads this kind of source at any place.
const bool HAS_QUADS = SOURCE == SOURCE_WORDS || SOURCE == SOURCE_HALVES;

// Two by two neighbours of one number each, as they are shown: at a place of the view, right of it, below it,
// and right of that. A gather gives them in this order: below, below to the right, right, the place itself.
uvec4 turned(uvec4 gathered) {
    if (UPRIGHT) {
        return gathered.wzxy;
    }
    // Where in the buffer's two by two the first one is, and which way the others lie.
    ivec2 right = params.steps.xy, down = params.steps.zw;
    uvec4 upright = gathered.wzxy;
    uvec4 across = right.x + down.x < 0 ? upright.yxwz : upright;
    uvec4 both = right.y + down.y < 0 ? across.zwxy : across;
    return right.x == 0 ? both.xzyw : both;
}

// The corner that two by two pixels of the view meet in, from which they are gathered.
vec2 quad_corner(ivec2 at) {
    ivec2 one = buffer_place(at);
    ivec2 corner = UPRIGHT ? one + 1 : max(one, one + params.steps.xy + params.steps.zw);
    return vec2(corner) * params.texel.xy;
}

// Two by two pixels of the view as they lie in memory, where HAS_QUADS. Beyond the edges of the buffer they are
// those of the nearest pixel.
void quad_raw(ivec2 at, out uvec2 raw[4]) {
    vec2 place = quad_corner(at);
    uvec4 words = turned(textureGather(source0, place, 0));
    uvec4 seconds = uvec4(0u);
    if (SOURCE == SOURCE_HALVES) {
        seconds = turned(textureGather(source0, place, 1));
    }
    for (int i = 0; i < 4; i++) {
        raw[i] = uvec2(words[i], seconds[i]);
    }
}

// Whether quad_numbers gives numbers up to WORD_MOST and not from 0 to 1.
const bool QUAD_WORDS = SOURCE == SOURCE_WORDS && TONE_FROM == TONE_NONE;

// What quad_numbers is to be multiplied by. Who weighs pixels anyway spares one multiplication for each.
float quad_unit() {
    return QUAD_WORDS ? 1.0 / float(WORD_MOST) : 1.0;
}

// Two by two pixels of the view, gathered and not fetched one by one where the source can be: on some GPUs
// fetches are what a picture takes longest for. Beyond the edges of the buffer they are those of the nearest
// pixel. Of SOURCE_PAIRS the place is even.
void quad_numbers(ivec2 at, out vec3 numbers[4]) {
    ivec2 one = buffer_place(at);
    if (SOURCE == SOURCE_PAIRS && UPRIGHT) {
        pairs_quad(one, numbers);
        for (int i = 0; i < 4; i++) {
            numbers[i] = converted(numbers[i]);
        }
        return;
    }
    if (!HAS_QUADS) {
        ivec2 texels = textureSize(source0, 0);
        int across = SOURCE == SOURCE_BYTES ? texels.x / 3 : SOURCE == SOURCE_YUYV ? texels.x * 2 : texels.x;
        ivec2 last = ivec2(across, texels.y) - 1;
        for (int i = 0; i < 4; i++) {
            ivec2 place = one + (i & 1) * params.steps.xy + (i >> 1) * params.steps.zw;
            numbers[i] = buffer_colour(clamp(place, ivec2(0), last)) * (1.0 / quad_unit());
        }
        return;
    }
    uvec2 raw[4];
    quad_raw(at, raw);
    for (int i = 0; i < 4; i++) {
        numbers[i] = QUAD_WORDS ? vec3(word_codes(raw[i].x)) : raw_colour(raw[i]);
    }
}

// The same in the output's code values, from 0 to 1.
void quad_colours(ivec2 at, out vec3 colours[4]) {
    quad_numbers(at, colours);
    for (int i = 0; i < 4; i++) {
        colours[i] *= quad_unit();
    }
}

// Whether the pointer is over any of a stretch of the buffer between two of its pixels, both within.
bool pointer_near(ivec2 one, ivec2 other) {
    // Places of pointers may be any number: differences of large ones turn over.
    ivec2 before = max(one, other) - params.pointer.xy;
    ivec2 after = params.pointer.xy - min(one, other);
    return params.pointer.z > 0
        && all(greaterThanEqual(before, ivec2(0))) && all(lessThan(-params.pointer.zw, after));
}

// The colour under the pointer, with the pointer over it where it is.
vec3 with_pointer(ivec2 place, vec3 colour) {
    ivec2 over = place - params.pointer.xy;
    if (all(greaterThanEqual(over, ivec2(0))) && all(lessThan(over, params.pointer.zw))) {
        vec4 drawn = texelFetch(pointer, over, 0);
        colour = min(drawn.rgb + colour * (1.0 - drawn.a), vec3(1.0));
    }
    return colour;
}

// A colour of the picture as it is shown: cropped, turned, the pointer over it. Beyond the edges of the view
// it is that of the nearest pixel.
vec3 shown(ivec2 at) {
    ivec2 place = buffer_place(clamp(at, ivec2(0), params.view.zw - 1));
    return with_pointer(place, buffer_colour(place));
}
