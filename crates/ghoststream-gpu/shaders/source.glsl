// Reading a picture. Needs params.glsl and kinds.glsl.

// A byte of a packed constant.
int order(uint packed, int index) {
    return int(packed >> (8 * index) & 255u);
}

// A sample as it stands in its code value, read from an image that makes 0 to 1 of it.
uint source_code(float value) {
    if (SOURCE_SAMPLE == SAMPLE_BYTE) {
        return uint(value * 255.0 + 0.5);
    }
    uint word = uint(value * 65535.0 + 0.5);
    return SOURCE_SAMPLE == SAMPLE_HIGH ? word >> 6 : word & 1023u;
}

float source_level(float value) {
    return SOURCE_SAMPLE == SAMPLE_BYTE ? value * 255.0 : float(source_code(value));
}

// Luma of a pixel of the buffer, as its image gives it.
float source_luma(ivec2 place) {
    if (SOURCE == SOURCE_YUYV) {
        vec4 both = texelFetch(source0, ivec2(place.x >> 1, place.y), 0);
        return (place.x & 1) == 0 ? both.r : both.b;
    }
    return texelFetch(source0, place, 0).r;
}

// Cb and Cr by their place among samples of their kind, as their image gives them.
vec2 source_chroma(ivec2 place) {
    if (SOURCE == SOURCE_YUYV) {
        return texelFetch(source0, place, 0).ga;
    }
    if (SOURCE == SOURCE_PAIRS) {
        return texelFetch(source1, place, 0).rg;
    }
    return vec2(texelFetch(source1, place, 0).r, texelFetch(source2, place, 0).r);
}

vec2 chroma_levels(ivec2 place) {
    vec2 chroma = source_chroma(place);
    return vec2(source_level(chroma.x), source_level(chroma.y));
}

// Chroma of a row at a pixel: sited on even columns, between them the mean of both neighbours.
vec2 chroma_across(int x, int row) {
    vec2 here = chroma_levels(ivec2(x >> 1, row));
    if ((x & 1) == 0) {
        return here;
    }
    return 0.5 * (here + chroma_levels(ivec2(min((x >> 1) + 1, params.chroma.x), row)));
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
    vec4 ycc = vec4(source_level(source_luma(place)), chroma, 1.0);
    return vec3(dot(params.to_red, ycc), dot(params.to_green, ycc), dot(params.to_blue, ycc));
}

// A pixel of the buffer: red, green and blue in code values from 0 to 1.
vec3 buffer_colour(ivec2 place) {
    if (SOURCE == SOURCE_RGB) {
        return texelFetch(source0, place, 0).rgb;
    }
    if (SOURCE == SOURCE_HALF) {
        vec3 colour = texelFetch(source0, place, 0).rgb;
        // What is no number is black.
        return clamp(mix(colour, vec3(0.0), isnan(colour)), 0.0, 1.0);
    }
    if (SOURCE == SOURCE_BYTES) {
        ivec2 first = ivec2(place.x * 3, place.y);
        return vec3(
            texelFetch(source0, first + ivec2(order(SOURCE_ORDER, 0), 0), 0).r,
            texelFetch(source0, first + ivec2(order(SOURCE_ORDER, 1), 0), 0).r,
            texelFetch(source0, first + ivec2(order(SOURCE_ORDER, 2), 0), 0).r);
    }
    if (SOURCE == SOURCE_WORDS) {
        uint word = packUnorm4x8(texelFetch(source0, place, 0));
        uvec3 shifts = uvec3(order(SOURCE_ORDER, 0), order(SOURCE_ORDER, 1), order(SOURCE_ORDER, 2));
        return vec3(uvec3(word) >> shifts & 1023u) / 1023.0;
    }
    return clamp(from_ycbcr(place), 0.0, 1.0);
}

// The pixel of the buffer that is shown at a place of the view.
ivec2 buffer_place(ivec2 at) {
    return params.view.xy + at.x * params.steps.xy + at.y * params.steps.zw;
}

// Whether the pointer is near a stretch of the buffer between two of its pixels, both within.
bool pointer_near(ivec2 one, ivec2 other) {
    ivec2 first = min(one, other), last = max(one, other);
    ivec2 end = params.pointer.xy + params.pointer.zw;
    return params.pointer.z > 0
        && all(lessThan(first, end)) && all(greaterThanEqual(last, params.pointer.xy));
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
