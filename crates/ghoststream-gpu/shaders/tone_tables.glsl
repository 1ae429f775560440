// What tone.glsl reckons of one number, as tables in a workgroup's own memory: there a pixel that has nothing in
// common with its neighbours costs little more than one that has.

// Steps of twice the brightness that are told apart: from 2 to the power of -10 to 2 to the power of 10.
const int TABLE_FIRST = 0x3A800000;
const int TABLE_LAST = 0x447FFFFF;
const int TABLE_STEPS = (TABLE_LAST - TABLE_FIRST >> GAIN_BELOW) + 1;

// Light of every code value of a source of 8 or ten bits. In the buffer of gains those of ten bits follow the
// gains, and those of 8 bits follow them. Keep in step with pass/tone.rs.
const int LIGHTS = (GAIN_LAST - GAIN_FIRST >> GAIN_BELOW) + 2 + (WORD_MOST == 255u ? 1024 : 0);
shared float tone_lights[1024];
// What light is multiplied by at the beginning of each step, and at the end of the last.
shared float tone_gains[TABLE_STEPS + 1];

// Fills them: the part of one of so many invocations. A barrier has to follow.
void tone_prepare(int invocation, int invocations) {
    if (TONE_FROM != TONE_LINEAR) {
        for (int code = invocation; code <= int(WORD_MOST); code += invocations) {
            tone_lights[code] = gains.steps[LIGHTS + code];
        }
    }
    for (int step = invocation; step <= TABLE_STEPS; step += invocations) {
        tone_gains[step] = gains.steps[step + (TABLE_FIRST - GAIN_FIRST >> GAIN_BELOW)];
    }
}

// What light of this brightness, twice, is multiplied by; straight between the entries of the table.
float tone_gain(float twice) {
    int bits = clamp(floatBitsToInt(twice), TABLE_FIRST, TABLE_LAST);
    int step = (bits >> GAIN_BELOW) - (TABLE_FIRST >> GAIN_BELOW);
    // What follows the step's bits, put behind those of 1, is a number from 1 to 2.
    int rest = bits << 23 - GAIN_BELOW & 0x7FFFFF;
    return mix(tone_gains[step], tone_gains[step + 1], intBitsToFloat(rest | 0x3F800000) - 1.0);
}
