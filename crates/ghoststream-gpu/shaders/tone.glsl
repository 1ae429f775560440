// From the source's colour to the output's, a pixel at a time: the steps of ghoststream-picture's
// `Conversion`, which is the reference. Code values are full range, 0 to 1. Of light 1 is the output's peak.
//
// Pixels are converted as they are read, before the pointer is drawn over them and before they are scaled.

// What code values stand for. Keep in step with pass/tone.rs.
layout(constant_id = 10) const uint TONE_FROM = 0;
layout(constant_id = 11) const uint TONE_TO = 0;
const uint TONE_NONE = 0; // the same on both sides: nothing is done
const uint TONE_SDR = 1;
const uint TONE_PQ = 2;
const uint TONE_HLG = 3;
const uint TONE_LINEAR = 4;

// Whether the source may be brighter than the output.
layout(constant_id = 12) const bool TONE_MAPS = false;

// Whether the brightest pixel is looked for.
layout(constant_id = 13) const bool TONE_SEEN = false;

// Numbers that every pixel is reckoned with.
layout(set = 0, binding = 2, std140) uniform Tone {
    // From the source's primaries to the output's, rows first.
    vec4 to_red;
    vec4 to_green;
    vec4 to_blue;
    // Luminance of the source's primaries; w: the light of its code value 1.
    vec4 from;
    // Luminance of the output's primaries; w: its peak in cd/m².
    vec4 to;
} tone;

// The same memory, which goes on with what light is multiplied by: at each step of the bits of a single, from
// GAIN_FIRST on, which is twice the brightness. Then follow lights: see tone_tables.glsl.
layout(set = 0, binding = 4, std430) readonly buffer Gains {
    vec4 before[5];
    float steps[];
} gains;

layout(set = 0, binding = 3, std430) buffer Seen {
    // The bits of the greatest brightness, in cd/m².
    uint brightest;
} seen;

const int GAIN_FIRST = 0x36800000; // 2 to the power of -18
const int GAIN_LAST = 0x467FFFFF; // just below 2 to the power of 14
const int GAIN_BELOW = 18; // bits of a single below those that count the steps

const float HLG_GAMMA = 1.2;
const float HLG_A = 0.17883277;
const float HLG_B = 0.28466892;
const float HLG_C = 0.55991073;
const float SDR_GAMMA = 2.2;
const float SCRGB_MOST = 125.0; // 10 000 cd/m², counted in 80

// The brightest that this invocation has seen.
float tone_brightest = 0.0;

// SMPTE ST 2084. The square root of the light as a polynomial of the code value, fitted to a relative
// error of light of 0.02% from code value 0.04 on: a fifth of the time of the two powers of the standard.
vec3 pq_to_light(vec3 code) {
    const float black = 9.8261741e-05;
    vec3 root = vec3(1.43313329);
    root = root * code - 3.38846557;
    root = root * code + 3.82472919;
    root = root * code - 1.96757222;
    root = root * code + 0.853645711;
    root = root * code + 0.0447165569;
    root = root * code + 0.160835629;
    root = root * code + 0.0387708101;
    root = root * code + black;
    return max(root * root - black * black, 0.0);
}

vec3 pq_to_code(vec3 light) {
    vec3 power = pow(light, vec3(2610.0 / 16384.0));
    vec3 ratio = (3424.0 / 4096.0 + 2413.0 / 128.0 * power) / (1.0 + 2392.0 / 128.0 * power);
    return pow(ratio, vec3(2523.0 / 32.0));
}

// Recommendation ITU-R BT.2100, table 5: the scene's light, 0 to 1.
vec3 hlg_to_scene(vec3 code) {
    vec3 above = (exp((code - HLG_C) / HLG_A) + HLG_B) / 12.0;
    return mix(above, code * code / 3.0, lessThanEqual(code, vec3(0.5)));
}

vec3 hlg_to_code(vec3 scene) {
    vec3 above = HLG_A * log(max(12.0 * scene - HLG_B, 1e-6)) + HLG_C;
    return mix(above, sqrt(3.0 * scene), lessThanEqual(scene, vec3(1.0 / 12.0)));
}

vec3 light_to_hlg(vec3 light) {
    float luminance = dot(light, tone.to.rgb);
    float gain = luminance > 0.0 ? pow(luminance, 1.0 / HLG_GAMMA - 1.0) : 0.0;
    return hlg_to_code(min(light * gain, 1.0));
}

// Light of the source, each component by itself: of HLG the scene's.
vec3 tone_decode(vec3 code) {
    if (TONE_FROM == TONE_LINEAR) {
        // What is no number is black.
        return clamp(mix(code, vec3(0.0), isnan(code)), -SCRGB_MOST, SCRGB_MOST) * tone.from.w;
    }
    code = clamp(code, 0.0, 1.0);
    if (TONE_FROM == TONE_PQ) {
        return pq_to_light(code) * tone.from.w;
    }
    if (TONE_FROM == TONE_HLG) {
        return hlg_to_scene(code);
    }
    return pow(code, vec3(SDR_GAMMA)) * tone.from.w;
}

// The code values of light of the output, 0 to 1.
vec3 tone_encode(vec3 light) {
    if (TONE_TO == TONE_PQ) {
        return pq_to_code(light);
    }
    if (TONE_TO == TONE_HLG) {
        return light_to_hlg(light);
    }
    return pow(light, vec3(1.0 / SDR_GAMMA));
}

#ifdef TONE_TABLES
#include "tone_tables.glsl"
#else
// What light of this brightness, twice, is multiplied by; straight between the entries of the table.
float tone_gain(float twice) {
    int bits = clamp(floatBitsToInt(twice), GAIN_FIRST, GAIN_LAST) - GAIN_FIRST;
    int place = bits >> GAIN_BELOW;
    float share = float(bits & ((1 << GAIN_BELOW) - 1)) / float(1 << GAIN_BELOW);
    return mix(gains.steps[place], gains.steps[place + 1], share);
}
#endif

// How much of light is kept where what lies outside 0 to 1 is mixed with the grey of its luminance, just as much as it
// takes. Exact enough for every output.
float tone_kept(float grey, float least, float most) {
    // Asked, and not left to the division: a GPU's need not give 1 for a number by itself, and the grey that is
    // then mixed in is a code value of PQ's where there is to be none.
    float below = least < 0.0 ? grey / (grey - least) : 1.0;
    float above = most > 1.0 ? (1.0 - grey) / (most - grey) : 1.0;
    return min(below, above);
}

// What is mixed in instead, by one division for both ends: for SDR, whose codes tell less of the dark apart.
float tone_mixed(float grey, float least, float most) {
    float white = 1.0 - grey;
    // The same product as those that it is compared with where light touches an end: then nothing is mixed in.
    float room = grey * white;
    float needed = max(room, max(white * (grey - least), grey * (most - grey)));
    return (needed - room) / needed;
}

// Brings light into 0 to 1.
vec3 tone_fit(vec3 light, float luminance) {
    // Nothing is divided by zero, since grey lies between the ends.
    float grey = clamp(luminance, 1e-9, 0.9999999);
    float least = min(light.r, min(light.g, light.b));
    float most = max(light.r, max(light.g, light.b));
    if (TONE_TO == TONE_SDR) {
        float mixed = tone_mixed(grey, least, most);
        return clamp(light * (1.0 - mixed) + grey * mixed, 0.0, 1.0);
    }
    float keep = tone_kept(grey, least, most);
    return clamp(keep * light + (grey - keep * grey), 0.0, 1.0);
}

// The output's code values for light of the source.
vec3 tone_shown(vec3 light) {
    float luminance = dot(light, tone.from.rgb);
    if (TONE_FROM == TONE_HLG) {
        // From the scene's light to the display's.
        float gain = pow(luminance, HLG_GAMMA - 1.0) * tone.from.w;
        light *= gain;
        luminance *= gain;
    }
    if (TONE_MAPS) {
        float twice = luminance + max(light.r, max(light.g, light.b));
        if (TONE_SEEN) {
            tone_brightest = max(tone_brightest, twice);
        }
        float gain = tone_gain(twice);
        light *= gain;
        luminance *= gain;
    }
    light = vec3(dot(tone.to_red.rgb, light), dot(tone.to_green.rgb, light), dot(tone.to_blue.rgb, light));
    return tone_encode(tone_fit(light, luminance));
}

// The output's code values for the source's.
vec3 tone_convert(vec3 code) {
    return tone_shown(tone_decode(code));
}

// Tells what this invocation has seen, in cd/m²; once, at its end. The first look spares almost all of them the
// atomic operation.
void tone_report() {
    uint bits = floatBitsToUint(0.5 * tone_brightest * tone.to.w);
    if (TONE_SEEN && bits > seen.brightest) {
        atomicMax(seen.brightest, bits);
    }
}
