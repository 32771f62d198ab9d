// Compiled once per instruction set, each time with its own flags and CORTADO_ISA_NAME.
#include "average.hpp"
#include "channels.hpp"
#include "choose.hpp"
#include "columns.hpp"
#include "cross_entropy.hpp"
#include "curves.hpp"
#include "elementwise.hpp"
#include "gemm.hpp"
#include "lrn.hpp"
#include "mvn.hpp"
#include "peak.hpp"
#include "pooling.hpp"
#include "softmax.hpp"
#include "stochastic.hpp"
#include "table.hpp"
#include "updates.hpp"

#define CORTADO_JOIN(a, b) a##b
#define CORTADO_TABLE(name) CORTADO_JOIN(kernels_, name)
#define CORTADO_TEXT(name) #name
#define CORTADO_STRING(name) CORTADO_TEXT(name)
#define CORTADO_ENTRY(type, name, parameters) name,

namespace cortado {

extern const Kernels CORTADO_TABLE(CORTADO_ISA_NAME);
const Kernels CORTADO_TABLE(CORTADO_ISA_NAME) = {CORTADO_STRING(CORTADO_ISA_NAME), CORTADO_KERNELS(CORTADO_ENTRY)};

}  // namespace cortado
