// The pass where nothing is scaled, to all but TARGET_PLANES of 8 bits.
#version 460
#extension GL_GOOGLE_include_directive : require
#define ACROSS 4
#include "convert.glsl"
