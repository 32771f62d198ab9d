// Compiled once per instruction set, each time with its own flags and CORTADO_ISA_NAME.
#include "conv.hpp"
#include "gemm.hpp"
#include "table.hpp"

#define CORTADO_JOIN(a, b) a##b
#define CORTADO_TABLE(name) CORTADO_JOIN(kernels_, name)
#define CORTADO_TEXT(name) #name
#define CORTADO_STRING(name) CORTADO_TEXT(name)

namespace cortado {

extern const Kernels CORTADO_TABLE(CORTADO_ISA_NAME);
const Kernels CORTADO_TABLE(CORTADO_ISA_NAME) = {
    CORTADO_STRING(CORTADO_ISA_NAME),
    gemm,
    conv_forward,
    conv_backward_data,
    conv_backward_weights,
    conv_backward_bias,
};

}  // namespace cortado
