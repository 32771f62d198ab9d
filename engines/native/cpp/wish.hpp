// What the environment says of a way to compute: 0, never; 1, wherever it is defined; -1, nothing.
#pragma once

#include <stdlib.h>

namespace cortado {
namespace {

inline int wish_for(const char* variable) {
    const char* text = getenv(variable);
    return text == nullptr ? -1 : atoi(text);
}

}  // namespace
}  // namespace cortado
