// From the source's colour to the output's, a pixel at a time: the steps of ghoststream-picture's
// `Conversion`, which is the reference. Code values are full range, 0 to 1; light is in cd/m².
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

layout(set = 0, binding = 2, std430) readonly buffer Tone {
    // From the source's primaries to the output's, rows first.
    vec4 to_red;
    vec4 to_green;
    vec4 to_blue;
    // Luminance of the primaries; w: of SDR's white in cd/m², and of the output's peak.
    vec4 from;
    vec4 to;
    // What brightness multiplies light by: at each step of the bits of a single, from GAIN_FIRST on.
    float gain[];
} tone;

layout(set = 0, binding = 3, std430) buffer Seen {
    // The bits of the greatest brightness, in cd/m².
    uint brightest;
} seen;

const int GAIN_FIRST = 0x36800000; // 2 to the power of -18
const int GAIN_LAST = 0x467FFFFF; // just below 2 to the power of 14
const int GAIN_BELOW = 18; // bits of a single below those that count the steps

const float PQ_PEAK = 10000.0;
const float HLG_PEAK = 1000.0;
const float HLG_GAMMA = 1.2;
const float HLG_A = 0.17883277;
const float HLG_B = 0.28466892;
const float HLG_C = 0.55991073;
const float SDR_GAMMA = 2.2;
const float SCRGB_UNIT = 80.0;

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
    return max(root * root - black * black, 0.0) * PQ_PEAK;
}

vec3 pq_to_code(vec3 light) {
    vec3 power = pow(clamp(light / PQ_PEAK, 0.0, 1.0), vec3(2610.0 / 16384.0));
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

vec3 hlg_to_light(vec3 code) {
    vec3 scene = hlg_to_scene(code);
    return scene * HLG_PEAK * pow(dot(scene, tone.from.rgb), HLG_GAMMA - 1.0);
}

vec3 light_to_hlg(vec3 light) {
    light /= HLG_PEAK;
    float luminance = dot(light, tone.to.rgb);
    float gain = luminance > 0.0 ? pow(luminance, 1.0 / HLG_GAMMA - 1.0) : 0.0;
    return hlg_to_code(clamp(light * gain, 0.0, 1.0));
}

// Light of the source.
vec3 tone_decode(vec3 code) {
    if (TONE_FROM == TONE_LINEAR) {
        // What is no number is black.
        return clamp(mix(code, vec3(0.0), isnan(code)) * SCRGB_UNIT, -PQ_PEAK, PQ_PEAK);
    }
    code = clamp(code, 0.0, 1.0);
    if (TONE_FROM == TONE_PQ) {
        return pq_to_light(code);
    }
    if (TONE_FROM == TONE_HLG) {
        return hlg_to_light(code);
    }
    return pow(code, vec3(SDR_GAMMA)) * tone.from.w;
}

// The code values of light of the output.
vec3 tone_encode(vec3 light) {
    if (TONE_TO == TONE_PQ) {
        return pq_to_code(light);
    }
    if (TONE_TO == TONE_HLG) {
        return light_to_hlg(light);
    }
    return pow(light / tone.from.w, vec3(1.0 / SDR_GAMMA));
}

// What light of this brightness is multiplied by; straight between the entries of the table.
float tone_gain(float brightness) {
    int bits = clamp(floatBitsToInt(max(brightness, 0.0)), GAIN_FIRST, GAIN_LAST) - GAIN_FIRST;
    int place = bits >> GAIN_BELOW;
    float share = float(bits & ((1 << GAIN_BELOW) - 1)) / float(1 << GAIN_BELOW);
    return mix(tone.gain[place], tone.gain[place + 1], share);
}

// Brings light into 0 to the output's peak: what lies outside is mixed with the grey of its luminance.
// What is added is worked out from the component that reaches the edge, so that it arrives there exactly.
vec3 tone_fit(vec3 light) {
    float peak = tone.to.w;
    float grey = clamp(dot(light, tone.to.rgb), 0.0, peak);
    float least = min(light.r, min(light.g, light.b));
    float most = max(light.r, max(light.g, light.b));
    float below = least < 0.0 ? grey / (grey - least) : 1.0;
    float above = most > peak ? (peak - grey) / (most - grey) : 1.0;
    float keep = min(below, above);
    float edge = below <= above ? -keep * least : peak - keep * most;
    return clamp(keep * light + (keep < 1.0 ? edge : 0.0), 0.0, peak);
}

// The output's code values for the source's.
vec3 tone_convert(vec3 code) {
    vec3 light = tone_decode(code);
    if (TONE_MAPS) {
        float most = max(light.r, max(light.g, light.b));
        float brightness = 0.5 * (dot(light, tone.from.rgb) + most);
        if (TONE_SEEN) {
            tone_brightest = max(tone_brightest, brightness);
        }
        light *= tone_gain(brightness);
    }
    light = vec3(dot(tone.to_red.rgb, light), dot(tone.to_green.rgb, light), dot(tone.to_blue.rgb, light));
    return tone_encode(tone_fit(light));
}

// Tells what this invocation has seen; once, at its end. The first look spares almost all of them the
// atomic operation.
void tone_report() {
    uint bits = floatBitsToUint(tone_brightest);
    if (TONE_SEEN && bits > seen.brightest) {
        atomicMax(seen.brightest, bits);
    }
}
