#include "pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace cortado {
namespace {

// How long a worker waits for the next kernel before it goes to sleep: longer than what lies between two kernels of a
// net, shorter than anything that would be felt as a busy machine. To wake one takes about as long as a small kernel.
// For the first part it only looks; then it lets others have the processor between two looks.
constexpr std::chrono::microseconds kPatience{500};
constexpr int kLooks = 200;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

constexpr int64_t kClosed = -(int64_t{1} << 40);

struct Pool {
    std::mutex entrance;  // held by the one caller whose tasks the workers do
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::thread> workers;
    std::atomic<uint64_t> round{0};
    std::atomic<int> sleeping{0};
    std::atomic<int64_t> gate{kClosed};  // how many workers are at it; far below 0 when no more may join
    std::atomic<int64_t> next{0};
    std::atomic<bool> stop{false};
    int64_t tasks = 0;
    void (*body)(void*, int64_t) = nullptr;
    void* context = nullptr;

    void work() {
        for (;;) {
            const int64_t task = next.fetch_add(1, std::memory_order_relaxed);
            if (task >= tasks) return;
            body(context, task);
        }
    }

    void serve(uint64_t seen) {
        for (;;) {
            if (!comes_soon(seen)) {
                std::unique_lock<std::mutex> lock(mutex);
                sleeping.fetch_add(1);
                wake.wait(lock, [&] { return round.load() != seen; });
                sleeping.fetch_sub(1);
            }
            seen = round.load(std::memory_order_acquire);
            if (stop.load()) return;
            join();
        }
    }

    // Whether the next round begins before patience ends.
    bool comes_soon(uint64_t seen) const {
        for (int looks = 0; looks < kLooks; ++looks) {
            if (round.load(std::memory_order_acquire) != seen) return true;
            relax();
        }
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (round.load(std::memory_order_acquire) == seen) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    // Works on the open round, if there is one: a worker that wakes too late is not waited for.
    void join() {
        int64_t inside = gate.load(std::memory_order_acquire);
        while (inside >= 0)
            if (gate.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) {
                work();
                gate.fetch_sub(1, std::memory_order_release);
                return;
            }
    }

    // Lets nobody else join, and waits for those who did.
    void close() {
        gate.fetch_add(kClosed, std::memory_order_acq_rel);
        for (int spins = 0; gate.load(std::memory_order_acquire) != kClosed; ++spins) {
            relax();
            if (spins > 20000) std::this_thread::yield();
        }
    }

    void wake_all() {
        round.fetch_add(1);
        if (sleeping.load() > 0) {
            std::lock_guard<std::mutex> lock(mutex);
            wake.notify_all();
        }
    }

    void resize(int count) {
        stop.store(true);
        wake_all();
        for (auto& worker : workers) worker.join();
        workers.clear();
        stop.store(false);
        const uint64_t seen = round.load();
        for (int i = 1; i < count; ++i) workers.emplace_back([this, seen] { serve(seen); });
    }
};

// Never destroyed: workers may still wait when the process ends. A forked child has no workers, so it gets a new pool.
Pool* pool = nullptr;
int wanted = 0;
thread_local bool inside = false;

int default_threads() {
    if (const char* text = std::getenv("CORTADO_THREADS")) {
        const int count = std::atoi(text);
        if (count > 0) return count;
    }
#ifdef __linux__
    cpu_set_t set;
    if (pthread_getaffinity_np(pthread_self(), sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
    const unsigned count = std::thread::hardware_concurrency();
    return count > 0 ? static_cast<int>(count) : 1;
}

std::mutex& pool_mutex() {
    static std::mutex mutex;
    return mutex;
}

Pool& the_pool() {
    std::lock_guard<std::mutex> lock(pool_mutex());
    if (pool == nullptr) {
        if (wanted == 0) wanted = default_threads();
        pool = new Pool;
        pool->resize(wanted);
#ifndef _WIN32
        static bool registered = false;
        if (!registered) pthread_atfork(nullptr, nullptr, [] { pool = nullptr; });
        registered = true;
#endif
    }
    return *pool;
}

void run_alone(int64_t tasks, void (*body)(void*, int64_t), void* context) {
    for (int64_t task = 0; task < tasks; ++task) body(context, task);
}

}  // namespace

void run_tasks(int64_t tasks, void (*body)(void*, int64_t), void* context) {
    if (tasks <= 1 || inside || threads() == 1) return run_alone(tasks, body, context);
    Pool& shared = the_pool();
    std::unique_lock<std::mutex> lock(shared.entrance, std::try_to_lock);
    if (!lock.owns_lock()) return run_alone(tasks, body, context);
    inside = true;
    shared.tasks = tasks;
    shared.body = body;
    shared.context = context;
    shared.next.store(0, std::memory_order_relaxed);
    shared.gate.store(0, std::memory_order_release);
    shared.wake_all();
    shared.work();
    shared.close();
    inside = false;
}

int threads() {
    if (wanted == 0) wanted = default_threads();
    return wanted;
}

void set_threads(int count) {
    Pool& shared = the_pool();
    std::lock_guard<std::mutex> lock(shared.entrance);
    wanted = count < 1 ? 1 : count;
    shared.resize(wanted);
}

namespace {

constexpr int kSlots = 16;
std::atomic<size_t> held{0};

struct Workspace {
    void* memory[kSlots] = {};
    size_t size[kSlots] = {};

    void release(int slot) {
        if (memory[slot] == nullptr) return;
        ::operator delete(memory[slot], std::align_val_t(64));
        held -= size[slot];
        memory[slot] = nullptr;
        size[slot] = 0;
    }

    ~Workspace() {
        for (int slot = 0; slot < kSlots; ++slot) release(slot);
    }
};

thread_local Workspace own;

}  // namespace

void* workspace(int slot, size_t bytes) {
    if (own.size[slot] < bytes) {
        own.release(slot);
        own.memory[slot] = ::operator new(bytes, std::align_val_t(64));
        own.size[slot] = bytes;
        held += bytes;
    }
    return own.memory[slot];
}

size_t workspace_bytes() { return held.load(); }

}  // namespace cortado
