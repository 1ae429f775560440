//! What both emulated libraries share: GPU profiles, faults on demand, and the trace of calls.
