// The threads of the engine, and the memory that kernels work in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cortado {

// Runs body(context, i) for every i in [0, tasks), on the calling thread and the pool's. Tasks are claimed one by one,
// so their number should exceed that of the threads where their cost differs. Returns when all are done. Called from
// several threads at once, or from inside a task, the second caller does its own work alone.
void run_tasks(int64_t tasks, void (*body)(void* context, int64_t task), void* context);

int threads();
void set_threads(int count);

// Memory of the calling thread, at least `bytes` large, aligned to 64 bytes; valid until the same slot is asked again.
// It only grows, so that a net's second step allocates nothing.
void* workspace(int slot, size_t bytes);

// How many bytes of workspace all threads hold together.
size_t workspace_bytes();

}  // namespace cortado
