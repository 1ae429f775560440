// What is known of a block, in a word beside its vector: state, company and cost.

uint known(uint state, uint company, uint cost) { return state << 24 | company << 16 | min(cost, 0xffffu); }
uint state_of(uint word) { return word >> 24; }
uint company_of(uint word) { return (word >> 16) & 0xffu; }
uint cost_of_known(uint word) { return word & 0xffffu; }
uint as_covered(uint word) { return (word & 0xffffffu) | COVERED << 24; }

// Whether a block can show something that moves so.
bool allows(uvec2 block, ivec2 vector) {
    return state_of(block.y) != MATCHED || distance_of(unpacked(block.x), vector) <= APART;
}
