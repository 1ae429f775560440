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

// Cb and Cr, by their place among samples of their kind, in code values.
uvec2 chroma_codes(ivec2 place) {
    if (SOURCE == SOURCE_YUYV) {
        uint word = texelFetch(source0, place, 0).r;
        return uvec2(word >> 8, word >> 24) & 255u;
    }
    if (SOURCE == SOURCE_PAIRS) {
        uint pair = texelFetch(source1, place, 0).r;
        int size = SOURCE_SAMPLE == SAMPLE_BYTE ? 8 : 16;
        return uvec2(sample_code(bitfieldExtract(pair, 0, size)), sample_code(pair >> size));
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
    vec4 ycc = vec4(float(luma_code(place)), chroma, 1.0);
    return clamp(vec3(dot(params.to_red, ycc), dot(params.to_green, ycc), dot(params.to_blue, ycc)), 0.0, 1.0);
}

// Red, green and blue of a pixel of SOURCE_WORDS.
vec3 from_word(uint word) {
    uvec3 shifts = uvec3(order(SOURCE_ORDER, 0), order(SOURCE_ORDER, 1), order(SOURCE_ORDER, 2));
    uint most = SOURCE_SAMPLE == SAMPLE_BYTE ? 255u : 1023u;
    return vec3(uvec3(word) >> shifts & most) * (1.0 / float(most));
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

// Whether quad_colours reads this kind of source.
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

// Two by two pixels of the view, in one gather and not in four fetches: on some GPUs these are what a picture
// takes longest for. Beyond the edges of the buffer they are those of the nearest pixel.
void quad_colours(ivec2 at, out vec3 colours[4]) {
    ivec2 one = buffer_place(at);
    if (!GATHERED) {
        ivec2 last = textureSize(source0, 0) - 1;
        for (int i = 0; i < 4; i++) {
            ivec2 place = one + (i & 1) * params.steps.xy + (i >> 1) * params.steps.zw;
            colours[i] = buffer_colour(clamp(place, ivec2(0), last));
        }
        return;
    }
    // The corner that all four pixels meet in.
    ivec2 corner = UPRIGHT ? one + 1 : max(one, one + params.steps.xy + params.steps.zw);
    vec2 place = vec2(corner) * params.texel.xy;
    uvec4 words = turned(textureGather(source0, place, 0));
    uvec4 seconds = uvec4(0u);
    if (SOURCE == SOURCE_HALVES) {
        seconds = turned(textureGather(source0, place, 1));
    }
    for (int i = 0; i < 4; i++) {
        colours[i] = converted(
            SOURCE == SOURCE_HALVES ? from_halves(words[i], seconds[i]) : from_word(words[i]));
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
