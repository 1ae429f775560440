// The pass where nothing is scaled, in blocks as wide as TARGET_PLANES of 8 bits demands.
#version 460
#extension GL_GOOGLE_include_directive : require
#define ACROSS 8
#include "convert.glsl"
